import { type Kinds, kind, optional, text, Wrong } from "./settings-file.ts";

/** control/checkpassword-pam. checkpassword-pam(8) */
export interface PamSettings {
  readonly service: string;
  /** The folder with the service's file, instead of /etc/pam.d. */
  readonly folder: string | undefined;
}

export const pamSettings: Kinds<PamSettings> = {
  service: kind((value) => {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(value))
      throw new Wrong("the name of a file in /etc/pam.d");
    return value;
  }, "checkpassword"),
  folder: optional(text()),
};
