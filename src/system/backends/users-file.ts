/** users/passwd in the home folder. checkpassword(8) */
import { randomBytes } from "node:crypto";
import type { Backend } from "../../auth/backend.ts";
import { usersOfCertificate } from "../../control/certificate-users.ts";
import { clearPasswordOf } from "../../control/clear-passwords.ts";
import { matches } from "../../control/password-hash.ts";
import { preparedName } from "../../control/prepare.ts";
import { verifierOf } from "../../control/scram-verifiers.ts";
import { accountOf, loginOf, readUsers, verify } from "../../control/users.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import type { Surroundings } from "./surroundings.ts";

export function open(reader: Surroundings): Backend {
  return {
    verify: ({ user, secret }, check) =>
      verify(reader, user, secret, (hash, given) =>
        // Together they are as good as the line itself: another password has another salt.
        check(() => matches(hash, given), Buffer.concat([hash.salt, hash.tag])),
      ),
    stored: {
      scram: async (given) => {
        const name = await preparedName(given);
        const users = await readUsers(reader);
        const user = loginOf(users, name);
        const verifier = await verifierOf(reader, users, name, user);
        return { verifier, account: user && accountOf(reader, user) };
      },
      clear: async (given) => {
        const name = await preparedName(given);
        const user = loginOf(await readUsers(reader), name);
        // As much work for who has no such password as for who has.
        const madeUp = randomBytes(16);
        const secret = await clearPasswordOf(reader, name);
        const account = user && secret && accountOf(reader, user);
        return { secret: secret ?? Secret.copyOf(madeUp), account };
      },
      account: async (name) => {
        const user = loginOf(await readUsers(reader), await preparedName(name));
        return user && accountOf(reader, user);
      },
      userOfToken: async (token, asked) => (await import("./tokens.ts")).userOfToken(reader, token, asked),
      usersOf: (certificate) => usersOfCertificate(reader, certificate),
    },
  };
}
