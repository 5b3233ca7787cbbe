import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type Place, type Running, sessionsAtOnce, user, usual } from "../contender/contender.ts";
import { packaged, userNumber, withPackages, write } from "../contender/debian.ts";
import { fill } from "../contender/mailbox.ts";
import { serve } from "../contender/serve.ts";

/** Courier's POP3 server, with users in its own database, and passwords by the cheapest scheme of crypt(3). */
export const courier = packaged({
  name: "Courier",
  promise: "POP3",
  packages: ["courier"],
  start,
});

async function start(place: Place, [pop3 = 0]: readonly number[]): Promise<Running> {
  const home = join(place.folder, "home", user);
  fill(join(home, "Maildir"), userNumber, userNumber);
  write(
    place.folder,
    "etc/courier/userdb",
    `${user}\tsystempw=abNANd1rDfiNc|uid=${userNumber}|gid=${userNumber}|home=${home}|shell=/bin/false|mail=${home}/Maildir\n`,
    0o600,
  );
  write(
    place.folder,
    "etc/courier/authdaemonrc",
    `authmodulelist="authuserdb"\nauthmodulelistorig="authuserdb"\ndaemons=5\nauthdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=""\nLOGGEROPTS=""\n`,
  );
  chmodSync(join(place.folder, "etc/ssl/both.pem"), 0o644); // couriertls reads it as its own user
  write(place.folder, "run/courier/authdaemon/.keep", "");
  write(place.folder, "var/lib/courier/.keep", "");
  const script = `
makeuserdb || exit 1
chown -R courier:courier /run/courier /var/lib/courier
/usr/lib/courier/courier-authlib/authdaemond &
set -a
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
TLS_CERTFILE=/etc/ssl/both.pem
TLS_PRIVATE_KEYFILE=/etc/ssl/both.pem
TLS_DHPARAMS=
TLS_CACHEFILE=
TLS_TRUSTCERTS=
exec couriertcpd -address=127.0.0.1 -maxprocs=${sessionsAtOnce} -maxperip=${sessionsAtOnce} \
  -nodnslookup -noidentlookup ${pop3} /usr/lib/courier/courier/courierpop3login \
  /usr/lib/courier/courier/courierpop3d Maildir`;
  await serve(place, withPackages(place, ["courier"], ["/bin/sh", "-c", script]), [pop3]);
  return {
    ...usual,
    doors: new Map([
      ["pop3", pop3],
      ["pop3 clear", pop3],
    ]),
  };
}
