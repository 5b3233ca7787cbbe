/** The answer of a server of nginx's auth_http: only its header counts. Source: ngx_mail_auth_http_module */

export interface AuthHttpAnswer {
  /** By name in lower case; of a name that is there twice, the last. latin1. */
  readonly headers: ReadonlyMap<string, string>;
  /** The code of HTTP. */
  readonly status: number;
}

/** No header is longer. */
export const maximumOctets = 16_384;

/**
 * Undefined as long as the header has not arrived whole; "broken" when it is none, or too long. `bytes` are all so far.
 */
export function parseResponse(bytes: Uint8Array): AuthHttpAnswer | "broken" | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maximumOctets)).toString(
    "latin1",
  );
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return bytes.length > maximumOctets ? "broken" : undefined;
  const [first = "", ...lines] = text.slice(0, end.index).split(/\r?\n/);
  const [, status] = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(first) ?? [];
  if (status === undefined) return "broken";
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value = ""] = /^([!-9;-~]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return "broken";
    headers.set(name.toLowerCase(), value);
  }
  return { headers, status: Number(status) };
}

/** What the answer says of the password: right, wrong, or that the server does not know. */
export function verdictOf({ headers, status }: AuthHttpAnswer): "right" | "wrong" | "unable" {
  const said = headers.get("auth-status");
  if (said === undefined || status >= 500) return "unable";
  if (said === "OK") return "right";
  // For SMTP, a server says so when it should be tried again.
  return headers.get("auth-error-code")?.startsWith("4") ? "unable" : "wrong";
}
