import { comparisonOf } from "./database-hash.ts";
import { type Kinds, kind, number, oneOf, optional, text, Wrong } from "./settings-file.ts";
import { type VirtualAccountSettings, virtualAccountSettings } from "./virtual-account.ts";

/** control/checkpassword-pgsql. checkpassword-pgsql(8) */
export interface PgsqlSettings extends VirtualAccountSettings {
  /** A name, an address, or the folder of a UNIX socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly passwordfile: string | undefined;
  readonly tls: "yes" | "no";
  readonly ca: string | undefined;
  /** $1 is the name; one row: password, and what is known of uid, gid, home, shell, user. */
  readonly query: string;
  /** A hash such as users have, for those that there are not. */
  readonly dummy: string | undefined;
  readonly timeout: number;
}

export const pgsqlSettings: Kinds<PgsqlSettings> = {
  host: text("127.0.0.1"),
  port: number(1, 65_535, 5432),
  database: text(),
  user: text(),
  passwordfile: optional(text()),
  tls: oneOf(["yes", "no"], "yes"),
  ca: optional(text()),
  query: kind((value) => {
    if (!/\$1(?![0-9])/.test(value)) throw new Wrong("$1 in it, where the name goes");
    return value;
  }, "SELECT password, uid, gid, home FROM users WHERE name = $1"),
  dummy: optional(
    kind((value) => {
      if (comparisonOf(value) === undefined) throw new Wrong("a hash that could be somebody's");
      return value;
    }),
  ),
  timeout: number(1, 300, 10),
  ...virtualAccountSettings,
};
