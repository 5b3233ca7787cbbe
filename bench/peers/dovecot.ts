import { join } from "node:path";
import {
  host,
  type Place,
  password,
  type Running,
  sessionsAtOnce,
  user,
  usual,
} from "../contender/contender.ts";
import { packaged, userNumber, withPackages, write } from "../contender/debian.ts";
import { fill } from "../contender/mailbox.ts";
import { serve } from "../contender/serve.ts";
import { startSink } from "./bare-c.ts";

/** Dovecot, tuned as its documentation advises for many logins: login processes serve one client after the other. */
export const dovecot = packaged({
  name: "Dovecot",
  promise: "POP3; submission hands each message on to a sink that keeps nothing",
  packages: ["dovecot"],
  start,
});

/** Where Postfix asks for passwords. */
export const authSocket = "/run/dovecot-auth";

const common = `base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /dev/null
listen = 127.0.0.1
first_valid_uid = 500
disable_plaintext_auth = no
auth_mechanisms = plain
ssl = yes
ssl_cert = </etc/ssl/cert.pem
ssl_key = </etc/ssl/key.pem
ssl_curve_list = X25519
ssl_dh =
default_process_limit = ${sessionsAtOnce}
default_client_limit = ${4 * sessionsAtOnce}
mail_max_userip_connections = 0
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = scheme=PLAIN /etc/dovecot-users
}
userdb {
  driver = passwd-file
  args = /etc/dovecot-users
}
`;

function layOutUsers({ folder }: Place): void {
  const home = join(folder, "home", user);
  write(folder, "etc/dovecot-users", `${user}:{PLAIN}${password}:${userNumber}:${userNumber}::${home}::\n`);
}

async function start(place: Place, [pop3 = 0, submission = 0]: readonly number[]): Promise<Running> {
  const sink = await startSink(place, place.helpers, "-");
  await startPop3(place, pop3, submission, sink);
  return {
    ...usual,
    doors: new Map([
      ["pop3", pop3],
      ["pop3 clear", pop3],
      ["submission", submission],
    ]),
  };
}

/** Starts POP3, and submission where there is a port for it and one of a server behind it. */
export async function startPop3(place: Place, pop3: number, submission = 0, behind = 0): Promise<void> {
  layOutUsers(place);
  fill(join(place.folder, "home", user, "Maildir"), userNumber, userNumber);
  const logins = (name: string, port: number, secure: string) => `service ${name}-login {
  inet_listener ${name} {
    port = ${port}
  }
  inet_listener ${secure} {
    port = 0
  }
  service_count = 0
  process_min_avail = 1
  client_limit = ${2 * sessionsAtOnce}
}
service ${name} {
  service_count = 100
  process_min_avail = 8
}
`;
  const submits = `hostname = ${host}
submission_relay_host = 127.0.0.1
submission_relay_port = ${behind}
submission_max_mail_size = 100M
${logins("submission", submission, "submissions")}`;
  write(
    place.folder,
    "etc/dovecot.conf",
    `${common}protocols = pop3${submission > 0 ? " submission" : ""}\n${logins("pop3", pop3, "pop3s")}${submission > 0 ? submits : ""}`,
  );
  const words = ["/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot.conf"];
  const ports = submission > 0 ? [pop3, submission] : [pop3];
  await serve(place, withPackages(place, ["dovecot"], words), ports, { log: "dovecot.log" });
}

/** Starts Dovecot for its authentication alone. */
export async function startAuth(place: Place): Promise<void> {
  layOutUsers(place);
  const service = `protocols = lmtp
service lmtp {
  process_min_avail = 0
}
service auth {
  unix_listener ${authSocket} {
    mode = 0666
  }
}
`;
  write(place.folder, "etc/dovecot-auth.conf", common + service.replace("lmtp", "none"));
  const words = ["/usr/sbin/dovecot", "-F", "-c", "/etc/dovecot-auth.conf"];
  await serve(place, withPackages(place, ["dovecot"], words), [], { log: "dovecot.log" });
}
