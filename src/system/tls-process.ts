/** A process that holds a key for one connection: it reads the key, gives up what it can, and speaks TLS. */
import { closeSync, fstatSync, writeSync } from "node:fs";
import * as native from "./native.ts";
import type { CertificateFiles } from "./resident/service.ts";
import { Identities } from "./resident/tls-identities.ts";
import { policyOf } from "./resident/tls-policy.ts";
import { serveTls } from "./resident/tls-session.ts";
import { tlsAccountOf } from "./resident/unprivileged.ts";

/** A key, a certificate or an authority cannot be used; the message names the file. */
export class KeyTrouble extends Error {
  override readonly name = "KeyTrouble";
}

export interface Carried {
  /** The descriptor that the program writes to, and the one it reads. */
  readonly said: number;
  readonly heard: number;
  /** Where the session is described once there is one; closed then. */
  readonly notify: number | undefined;
  /** For the handshake. */
  readonly seconds: number;
}

export interface ReadyTls {
  /** The connection on 0 and 1. Resolves when all is over; throws why there was no session, or how it broke. */
  serve(carried: Carried): Promise<void>;
}

/** From here on this process is nobody in particular, and its memory is closed to others. */
export function prepareTls(files: CertificateFiles, home: string): ReadyTls | KeyTrouble {
  let identities: Identities | KeyTrouble;
  try {
    const { head, body } = policyOf({ id: 0, idleSeconds: 0, noDelay: true }, files, undefined);
    identities = new Identities(head, body);
  } catch (error) {
    identities = new KeyTrouble((error as Error).message);
  }
  if (process.getuid!() === 0) {
    const { uid, gid } = tlsAccountOf(files, home);
    process.setgroups!([gid]);
    process.setgid!(gid);
    process.setuid!(uid);
  }
  native.hideMemory();
  native.forbidNewPrivileges();
  if (identities instanceof KeyTrouble) return identities;
  return { serve: (carried) => serve(carried, identities) };
}

function serve({ said, heard, notify, seconds }: Carried, identities: Identities): Promise<void> {
  if (!fstatSync(0).isSocket()) throw new Error("descriptor 0 is no connection");
  return new Promise((resolve, reject) => {
    serveTls({
      ...{ client: 0, said, heard },
      identities,
      ...identities.policy,
      host: undefined,
      seconds,
      secured: (tls) => {
        if (notify === undefined) return undefined;
        const { common, own } = identities.blockFor(tls);
        writeSync(notify, Buffer.concat([common, own]));
        closeSync(notify);
        return undefined;
      },
      refused: (why) => reject(new Error(`unable to accept SSL: ${why}`)),
      ended: (how) => (how === "" ? resolve() : reject(new Error(how))),
    });
  });
}
