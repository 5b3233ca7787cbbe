/** Dovecot's auth process, of a Dovecot with settings and users of this test alone. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contract, gid, isRoot, makeHome, people, uid } from "./contract.ts";
import { missing, startDaemon } from "./daemon.ts";
import { cryptHash, noMkpasswd } from "./mkpasswd.ts";

const skip =
  missing("dovecot", "dovecot-core") || noMkpasswd || (!isRoot && "Dovecot wants to be started by root");

contract("checkpassword-dovecot", { skip }, async () => {
  const home = makeHome();
  const base = join(home, "dovecot");
  mkdirSync(base);
  const lines = Object.entries(people).map(([name, password]) => {
    const hash = cryptHash(password, "sha512crypt");
    const id = name === "wheel" ? 0 : uid;
    const locked = name === "locked" ? " nologin=y" : "";
    return `${name}:{CRYPT}${hash}:${id}:${gid}::${home}/home/${name}::${locked.trim()}`;
  });
  writeFileSync(join(base, "users"), `${lines.join("\n")}\n`);
  const config = join(base, "conf");
  writeFileSync(
    config,
    [
      ...[`base_dir = ${base}/run`, `state_dir = ${base}/state`, `log_path = ${base}/log`],
      ...[
        "protocols =",
        "ssl = no",
        "first_valid_uid = 0",
        "auth_failure_delay = 0",
        "auth_username_chars =",
      ],
      ...[
        "default_internal_user = nobody",
        "default_internal_group = nogroup",
        "default_login_user = nobody",
      ],
      ...["passdb", "userdb"].flatMap((db) => [
        `${db} {`,
        "driver = passwd-file",
        `args = ${base}/users`,
        "}",
      ]),
      "service auth {",
      ...["auth-client", "auth-userdb"].flatMap((name) => [`unix_listener ${name} {`, "mode = 0600", "}"]),
      // It remembers who failed, and makes him wait: in this test, the same client fails all the time.
      ...["}", "service anvil {", "unix_listener anvil-auth-penalty {", "mode = 0", "}", "}", ""],
    ].join("\n"),
  );
  const dovecot = await startDaemon(["dovecot", "-F", "-c", config], join(base, "run", "auth-client"));
  writeFileSync(
    join(home, "control", "checkpassword-dovecot"),
    `socket ${base}/run/auth-client\nuserdb ${base}/run/auth-userdb\ntimeout 10\n`,
  );
  return { home, leave: () => dovecot.stop(), stop: () => dovecot.stop() };
});
