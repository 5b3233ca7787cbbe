const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * True for octets that may be a user name: 1 to 255 of them, UTF-8 (RFC 4616 §2, RFC 6856 §2.2), no blank and no
 * control character. The name goes into logs, the environment and a trace field, where those would forge lines.
 */
export function isUserName(octets: Uint8Array): boolean {
  if (octets.length === 0 || octets.length > 255) return false;
  try {
    return !/[\p{Cc}\p{Z}]/u.test(utf8.decode(octets));
  } catch {
    return false;
  }
}
