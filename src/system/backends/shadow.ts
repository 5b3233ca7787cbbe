/** The accounts of the system, by shadow(5) and crypt(3). checkpassword-shadow(8) */
import { type Backend, Unable } from "../../auth/backend.ts";
import type { SystemAccount } from "../c-library/deeds.ts";
import type { Account } from "../system.ts";
import type { Surroundings } from "./surroundings.ts";

export function open({ perform }: Surroundings): Backend {
  return {
    async verify({ user, secret }, check) {
      const { account, hash = "", unable } = await perform({ do: "lookUp", user });
      if (unable !== undefined) throw new Unable(unable);
      const right = await check(
        async () => {
          const { right = false, unable } = await perform({ do: "crypt", hash }, secret.reveal());
          if (unable !== undefined) throw new Unable(unable);
          return right;
        },
        Buffer.from(hash, "latin1"),
      );
      return right && account !== undefined && secret.length > 0 ? accountFrom(account) : undefined;
    },
  };
}

/** What becomes a variable or a path is text, of the same octets in UTF-8. */
export function accountFrom({ user, uid, gid, home, shell }: SystemAccount): Account {
  const text = (latin1: string) => Buffer.from(latin1, "latin1").toString("utf8");
  return { user: text(user), uid, gid, home: text(home), shell: text(shell) };
}
