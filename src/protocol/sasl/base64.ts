/**
 * Base64 as RFC 4648 §4 has it, on bytes: what is decoded here may be a password, and never becomes a string.
 * RFC 4954 §4: a line that is not base64 is refused.
 */
import { wipeable } from "../wipeable.ts";

const padding = 0x3d; // =
const invalid = 255;
const values = new Uint8Array(256).fill(invalid);
for (const [value, char] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
].entries()) {
  values[char.charCodeAt(0)] = value;
}

/** The octets that `text` stands for, in wipeable memory; undefined when it is not base64, padded and exact. */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padded = text.at(-1) !== padding ? 0 : text.at(-2) !== padding ? 1 : 2;
  const decoded = wipeable((text.length / 4) * 3 - padded);
  let bits = 0;
  let filled = 0;
  for (let at = 0; at < text.length - padded; at++) {
    const value = values[text[at]!]!;
    if (value === invalid) return wiped(decoded);
    bits = (bits << 6) | value;
    if (at % 4 === 0) continue;
    const left = 6 - 2 * (at % 4);
    decoded[filled++] = bits >> left;
    bits &= (1 << left) - 1;
  }
  // RFC 4648 §3.5: bits that are left over must be 0, else two texts would mean the same.
  return bits === 0 ? decoded : wiped(decoded);
}

function wiped(secret: Uint8Array): undefined {
  secret.fill(0);
  return undefined;
}
