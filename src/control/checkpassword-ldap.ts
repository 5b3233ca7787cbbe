import { type Kinds, kind, number, oneOf, optional, text, Wrong } from "./settings-file.ts";
import { type VirtualAccountSettings, virtualAccountSettings } from "./virtual-account.ts";

/** control/checkpassword-ldap. checkpassword-ldap(8) */
export interface LdapSettings extends VirtualAccountSettings {
  readonly url: URL;
  /** Whether an ldap:// connection goes on in TLS before anything is said. */
  readonly starttls: "yes" | "no";
  readonly ca: string | undefined;
  readonly base: string;
  /** %u is the name. */
  readonly filter: string;
  /** Who searches, and the file with his password; undefined: nobody in particular. */
  readonly binddn: string | undefined;
  readonly bindpasswordfile: string | undefined;
  readonly timeout: number;
}

export const ldapSettings: Kinds<LdapSettings> = {
  url: kind((value) => {
    const url = URL.parse(value);
    const usable =
      url !== null && /^ldaps?:$/.test(url.protocol) && url.username + url.search + url.hash === "";
    if (!usable || url.hostname === "" || !["", "/"].includes(url.pathname) || /[^!-~]/.test(value)) {
      throw new Wrong("a URL such as ldaps://ldap.example or ldap://127.0.0.1:389");
    }
    return url;
  }),
  starttls: oneOf(["yes", "no"], "yes"),
  ca: optional(text()),
  base: text(),
  filter: kind((value) => {
    if (!value.startsWith("(") || !value.endsWith(")"))
      throw new Wrong("a filter in brackets, such as (uid=%u)");
    if (!value.includes("%u")) throw new Wrong("%u in it, where the name goes");
    return value;
  }, "(&(objectClass=posixAccount)(uid=%u))"),
  binddn: optional(text()),
  bindpasswordfile: optional(text()),
  timeout: number(1, 300, 10),
  ...virtualAccountSettings,
};

/** The filter for one user (latin1): every octet that is not plainly a letter, digit, or one of `@._-` is escaped. RFC 4515 §3 */
export const filterFor = (filter: string, user: string): string =>
  filter.replaceAll("%u", () =>
    user.replace(/[^A-Za-z0-9@._-]/g, (octet) => `\\${Buffer.from(octet, "latin1").toString("hex")}`),
  );
