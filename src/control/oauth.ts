import { type Kinds, kind, number, optional, text, Wrong } from "./settings-file.ts";

/** control/oauth: whose access tokens are believed. authup(8) */
export interface OauthSettings {
  readonly issuer: string;
  readonly audience: string;
  /** A key set (JWKS): an absolute path or a URL. Without one, the issuer is asked. */
  readonly keys: string | undefined;
  /** Where the issuer is asked about a token (RFC 7662), and as whom. */
  readonly introspection: URL | undefined;
  readonly client: string;
  readonly secretfile: string | undefined;
  /** The claim that has the user's name. */
  readonly claim: string;
  /** What is left away behind the @ of it. */
  readonly domain: string | undefined;
  readonly timeout: number;
}

export const oauthSettings: Kinds<OauthSettings> = {
  issuer: text(),
  audience: text(),
  keys: optional(
    kind((value) => {
      if (!value.startsWith("/")) https(value);
      return value;
    }),
  ),
  introspection: optional(kind(https)),
  client: text("acceptutils"),
  secretfile: optional(text()),
  claim: text("email"),
  domain: optional(text()),
  timeout: number(1, 60, 5),
};

/** In clear only to ourselves. */
function https(value: string): URL {
  const url = URL.parse(value);
  const local = url?.protocol === "http:" && /^(?:127\.0\.0\.1|\[::1\]|localhost)$/.test(url.hostname);
  if (url === null || (url.protocol !== "https:" && !local)) {
    throw new Wrong("an absolute path, or a URL that begins https://");
  }
  return url;
}
