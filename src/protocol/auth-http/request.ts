/** The question of nginx's auth_http, as nginx asks it. Source: nginx, ngx_mail_auth_http_module; RFC 1945 */
import type { Secret } from "../checkpassword/secret.ts";

export interface AuthHttpQuestion {
  /** Of the URL: the path with what follows it, and the host with a port that is not the usual one. */
  readonly path: string;
  readonly host: string;
  /** latin1. */
  readonly user: string;
  readonly secret: Secret;
  readonly protocol: "smtp" | "pop3";
  /** An address; may be empty. */
  readonly client: string;
  /** One more header line, with a secret of the server's; may be empty. */
  readonly header: string;
}

/** The bytes of the request, which are to be wiped. */
export function formatRequest(question: AuthHttpQuestion): Uint8Array {
  const { path, host, user, secret, protocol, client, header } = question;
  const name = escaped(Buffer.from(user, "latin1"));
  const password = escaped(secret.reveal());
  const before = Buffer.concat([
    Buffer.from(`GET ${path} HTTP/1.0\r\nHost: ${host}\r\nAuth-Method: plain\r\nAuth-User: `, "latin1"),
    name,
    Buffer.from("\r\nAuth-Pass: "),
  ]);
  const lines = [
    "",
    `Auth-Protocol: ${protocol}`,
    "Auth-Login-Attempt: 1",
    ...(client === "" ? [] : [`Client-IP: ${client}`]),
    ...(header === "" ? [] : [header]),
    "\r\n",
  ];
  const request = Buffer.concat([before, password, Buffer.from(lines.join("\r\n"), "latin1")]);
  password.fill(0);
  return request;
}

const hexadecimal = Buffer.from("0123456789ABCDEF");
const percent = 0x25;

/** Blanks, %, control characters and what is no ASCII as %XX. The bytes are to be wiped when they are a secret. */
function escaped(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc(3 * bytes.length);
  let at = 0;
  for (const byte of bytes) {
    if (byte > 0x20 && byte < 0x7f && byte !== percent) {
      out[at++] = byte;
      continue;
    }
    out[at++] = percent;
    out[at++] = hexadecimal[byte >> 4]!;
    out[at++] = hexadecimal[byte & 15]!;
  }
  return out.subarray(0, at);
}
