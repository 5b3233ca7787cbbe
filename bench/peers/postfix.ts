import { domain, host, type Place, type Running, receiving, sessionsAtOnce } from "../contender/contender.ts";
import { bring, packaged, withPackages, write } from "../contender/debian.ts";
import { serve } from "../contender/serve.ts";
import { authSocket, startAuth } from "./dovecot.ts";

/** Postfix; passwords are checked by Dovecot, as its documentation has it. Messages stay in its hold queue. */
export const postfix = packaged({
  name: "Postfix",
  quick: true,
  promise: "on disk, a file and a flush for each, held; submission asks Dovecot",
  packages: ["postfix", "dovecot"],
  start,
});

const main = `compatibility_level = 3.6
queue_directory = /var/spool/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = ${host}
mydestination = ${domain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_client_access static:HOLD
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
default_process_limit = ${sessionsAtOnce}
in_flow_delay = 0
smtpd_junk_command_limit = 1000000
message_size_limit = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/ssl/cert.pem
smtpd_tls_key_file = /etc/ssl/key.pem
tls_eecdh_auto_curves = X25519
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${authSocket}
`;

/** The services that a message needs on its way in. */
const services = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`;

async function start(place: Place, [smtp = 0, submission = 0]: readonly number[]): Promise<Running> {
  bring(place.folder, "postfix", "var/spool/postfix");
  bring(place.folder, "postfix", "etc/postfix");
  bring(place.folder, "postfix", "var/lib/postfix");
  write(place.folder, "etc/postfix/main.cf", main);
  const inlets = `127.0.0.1:${smtp} inet n - n - - smtpd\n127.0.0.1:${submission} inet n - n - - smtpd\n -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes\n`;
  write(place.folder, "etc/postfix/master.cf", inlets + services);
  await startAuth(place);
  await serve(
    place,
    withPackages(
      place,
      ["postfix"],
      [
        "/bin/sh",
        "-c",
        "chown postfix /var/lib/postfix; postfix check; exec /usr/lib/postfix/sbin/master -d",
      ],
    ),
    [smtp, submission],
  );
  return receiving(smtp, submission);
}
