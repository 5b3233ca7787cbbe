/**
 * The address in the argument of MAIL and RCPT, as qmail reads it: tolerant of what clients send, and with quoting
 * taken off, because the envelope has none. Source: addrparse() in qmail-smtpd.c and ofmipd.c; RFC 5321 §4.1.2.
 */

/** Longer addresses are a syntax error. Octets. */
export const maximumAddressOctets = 899;

/** The address, "" for the null sender or none; undefined when it is too long or has a NUL. */
export function parseAddress(argument: string): string | undefined {
  const { text, terminator } = afterOpening(argument);
  let address = "";
  let quoted = false;
  for (let at = sourceRouteLength(text); at < text.length; at++) {
    const character = text[at]!;
    if (character === "\\") address += text[++at] ?? "";
    else if (character === '"') quoted = !quoted;
    else if (character === terminator && !quoted) break;
    else address += character;
  }
  return address.length > maximumAddressOctets || address.includes("\0") ? undefined : address;
}

function afterOpening(argument: string): { text: string; terminator: string } {
  const bracket = argument.indexOf("<");
  if (bracket >= 0) return { text: argument.slice(bracket + 1), terminator: ">" };
  const colon = argument.indexOf(":");
  return { text: colon < 0 ? "" : argument.slice(colon + 1).replace(/^ +/, ""), terminator: " " };
}

/** RFC 5321 §3.6.1: routes are obsolete, and ignored. */
function sourceRouteLength(text: string): number {
  if (text[0] !== "@") return 0;
  const colon = text.indexOf(":");
  return colon < 0 ? text.length : colon + 1;
}

/** The octets that MAIL says the message has; undefined when it does not say. RFC 1870 §6. */
export function declaredOctets(argument: string): number | undefined {
  const parameters = argument.slice(argument.indexOf(">") + 1).split(" ");
  const size = parameters.find((parameter) => /^SIZE=[0-9]{1,20}$/i.test(parameter));
  return size === undefined ? undefined : Number(size.slice(5));
}

/** The part after the last `@`; undefined when there is none. */
export function domainOf(address: string): string | undefined {
  const at = address.lastIndexOf("@");
  return at < 0 ? undefined : address.slice(at + 1);
}
