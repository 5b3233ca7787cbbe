/** PAM with a service of this test's own, for accounts that this test alone sees. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { perform } from "../../src/system/c-library/deeds.ts";
import { contract, people } from "./contract.ts";
import { noMkpasswd } from "./mkpasswd.ts";
import { enterNamespace } from "./namespace.ts";
import { replaceAccounts } from "./system-accounts.ts";

const noPam = existsSync("/etc/pam.d/common-auth") ? false : "PAM is not installed";
const skip = noPam || noMkpasswd || enterNamespace();
let folder = "";

contract("checkpassword-pam", { skip }, async () => {
  const home = replaceAccounts();
  folder = join(home, "pam.d");
  mkdirSync(folder);
  writeFileSync(join(folder, "mail"), "auth required pam_unix.so nodelay\naccount required pam_unix.so\n");
  writeFileSync(join(folder, "denied"), "auth required pam_unix.so nodelay\naccount required pam_deny.so\n");
  writeFileSync(join(folder, "broken"), "auth required pam_of_nobody.so\n");
  const control = join(home, "control", "checkpassword-pam");
  writeFileSync(control, `service mail\nfolder ${folder}\n`);
  return {
    home,
    leave: () => writeFileSync(control, `service broken\nfolder ${folder}\n`),
    stop: () => {
      const ask = (service: string, user: string, password: string) =>
        perform({ do: "pam", service, folder, user, client: "", keepDelay: false }, Buffer.from(password));
      assert.equal(ask("mail", "alice", people.alice).right, true);
      assert.equal(ask("denied", "alice", people.alice).right, false);
      assert.match(ask("broken", "alice", people.alice).unable ?? "", /^PAM service broken: /);
    },
  };
});
