import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatUser } from "../../src/control/users.ts";
import { contract, gid, makeHome, people, removeHome, uid } from "./contract.ts";
import { cheapHash } from "./hashes.ts";

contract("checkpassword", {}, async () => {
  const home = makeHome();
  const lines = Object.entries(people).map(([name, password]) => {
    const hash = name === "locked" ? "*" : cheapHash(password);
    const id = name === "wheel" ? 0 : uid;
    return formatUser({ name, hash, uid: id, gid, gecos: "", home: `home/${name}`, shell: "/bin/sh" });
  });
  writeFileSync(join(home, "users", "passwd"), `${lines.join("\n")}\n`, { mode: 0o600 });
  return { home, leave: () => removeHome(join(home, "users")), stop: () => {} };
});
