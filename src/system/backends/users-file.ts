/** users/passwd in the home folder. checkpassword(8) */
import type { Backend } from "../../auth/backend.ts";
import { matches } from "../../control/password-hash.ts";
import { verifierOf } from "../../control/scram-verifiers.ts";
import { accountOf, loginOf, readUsers, type UsersReader, verify } from "../../control/users.ts";

export function open(reader: UsersReader): Backend {
  return {
    verify: ({ user, secret }, check) =>
      verify(reader, user, secret, (hash, given) =>
        // Together they are as good as the line itself: another password has another salt.
        check(() => matches(hash, given), Buffer.concat([hash.salt, hash.tag])),
      ),
    stored: {
      scram: async (name) => {
        const users = await readUsers(reader);
        const user = loginOf(users, name);
        const verifier = await verifierOf(reader, users, name, user);
        return { verifier, account: user && accountOf(reader, user) };
      },
    },
  };
}
