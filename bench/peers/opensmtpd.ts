import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { domain, host, type Place, type Running, receiving, user } from "../contender/contender.ts";
import { packaged, withPackages, write } from "../contender/debian.ts";
import { serve } from "../contender/serve.ts";

/** OpenSMTPD, with its deliveries paused. Passwords by the cheapest scheme of crypt(3). */
export const opensmtpd = packaged({
  name: "OpenSMTPD",
  promise: "a file for each, which is not flushed; deliveries paused; 5 clients",
  packages: ["opensmtpd"],
  start,
});

/** `secret`, crypt(3), the traditional scheme. */
const hash = "abNANd1rDfiNc";

async function start(place: Place, [smtp = 0, submission = 0]: readonly number[]): Promise<Running> {
  mkdirSync(join(place.folder, "var/lib/opensmtpd/empty"), { recursive: true }); // where it locks itself in
  write(place.folder, "etc/credentials", `${user} ${hash}\n`);
  write(
    place.folder,
    "etc/smtpd.conf",
    `pki ${host} cert "/etc/ssl/cert.pem"
pki ${host} key "/etc/ssl/key.pem"
table credentials file:/etc/credentials
smtp max-message-size 100M
listen on 127.0.0.1 port ${smtp} hostname ${host} tls pki ${host}
listen on 127.0.0.1 port ${submission} hostname ${host} tls-require pki ${host} auth <credentials>
action "local" maildir "/var/lib/%{dest.user}"
match from any for domain "${domain}" action "local"
match auth from any for any action "local"
`,
    0o600,
  );
  const words = ["/usr/sbin/smtpd", "-F", "-f", "/etc/smtpd.conf", "-P", "mda", "-P", "mta"];
  await serve(place, withPackages(place, ["opensmtpd"], words), [smtp, submission]);
  return receiving(smtp, submission, {
    clientsAtMost: 5, // its backlog; who comes while it is full is forgotten
  });
}
