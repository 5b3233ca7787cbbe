import { type Kinds, kind, number, optional, text, Wrong } from "./settings-file.ts";
import { type VirtualAccountSettings, virtualAccountSettings } from "./virtual-account.ts";

/** control/checkpassword-http. checkpassword-http(8) */
export interface HttpSettings extends VirtualAccountSettings {
  readonly url: URL;
  /** A file with the certificates that the server's may be signed with; undefined: those of Node.js. */
  readonly ca: string | undefined;
  /** A line of the request's header. */
  readonly header: string | undefined;
  readonly timeout: number;
}

export const httpSettings: Kinds<HttpSettings> = {
  url: kind((value) => {
    const url = URL.parse(value);
    const usable = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.hash === "";
    if (!usable || /[^!-~]/.test(value)) throw new Wrong("a URL such as http://127.0.0.1:9000/auth");
    return url;
  }),
  ca: optional(text()),
  header: optional(
    kind((value) => {
      if (!/^[!-9;-~]+: ?[ -~]+$/.test(value)) throw new Wrong("one line such as X-Auth-Key: secret");
      return value;
    }),
  ),
  timeout: number(1, 300, 10),
  ...virtualAccountSettings,
};
