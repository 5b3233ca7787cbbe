import { type Kinds, number, optional, text } from "./settings-file.ts";
import { type VirtualAccountSettings, virtualAccountSettings } from "./virtual-account.ts";

/** control/checkpassword-dovecot. checkpassword-dovecot(8) */
export interface DovecotSettings extends VirtualAccountSettings {
  /** The sockets of Dovecot's auth process: for logins, and for what it knows of users. */
  readonly socket: string;
  readonly userdb: string | undefined;
  readonly timeout: number;
}

export const dovecotSettings: Kinds<DovecotSettings> = {
  socket: text("/run/dovecot/auth-client"),
  userdb: optional(text()),
  timeout: number(1, 300, 30),
  ...virtualAccountSettings,
};
