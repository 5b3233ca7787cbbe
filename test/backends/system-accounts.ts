import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gid, makeHome, people, uid } from "./contract.ts";
import { cryptHash } from "./mkpasswd.ts";
import { replace } from "./namespace.ts";

/** A home folder with an etc/passwd and an etc/shadow, which this process and its children take for those of the system. */
export function replaceAccounts(): string {
  const home = makeHome();
  const passwd = ["root:x:0:0::/root:/bin/sh"];
  const shadow = ["root:*:19000:0:99999:7:::"];
  for (const [name, password] of Object.entries(people)) {
    const hash = cryptHash(password, name === "bob" ? "sha512crypt" : "yescrypt");
    passwd.push(`${name}:x:${name === "wheel" ? 0 : uid}:${gid}::${join(home, "home", name)}:/bin/sh`);
    shadow.push(`${name}:${name === "locked" ? "!" : ""}${hash}:19000:0:99999:7:::`);
  }
  for (const [name, lines] of Object.entries({ passwd, shadow })) {
    writeFileSync(join(home, name), `${lines.join("\n")}\n`, { mode: name === "shadow" ? 0o600 : 0o644 });
    replace(`/etc/${name}`, join(home, name));
  }
  return home;
}
