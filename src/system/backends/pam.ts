/** Whatever PAM is set up to ask. checkpassword-pam(8) */
import { type Backend, Unable } from "../../auth/backend.ts";
import { pamSettings } from "../../control/checkpassword-pam.ts";
import type { SystemAccount } from "../c-library/deeds.ts";
import { accountFrom } from "./shadow.ts";
import { type Surroundings, settingsFor } from "./surroundings.ts";

export function open(around: Surroundings): Backend {
  return {
    async verify({ user, secret, client }, check) {
      const { service, folder } = await settingsFor(around, "checkpassword-pam", pamSettings);
      let account: SystemAccount | undefined;
      const right = await check(async () => {
        // The book of failures makes answers wait; where there is none, PAM's own delay is all there is.
        const deed = { do: "pam", service, folder, user, client, keepDelay: around.alone } as const;
        const outcome = await around.perform(deed, secret.reveal());
        if (outcome.unable !== undefined) throw new Unable(outcome.unable);
        account = outcome.account;
        return outcome.right ?? false;
      });
      return right && account !== undefined && secret.length > 0 ? accountFrom(account) : undefined;
    },
  };
}
