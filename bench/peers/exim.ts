import { chmodSync } from "node:fs";
import { join } from "node:path";
import {
  host,
  type Place,
  password,
  type Running,
  receiving,
  sessionsAtOnce,
  user,
} from "../contender/contender.ts";
import { packaged, withPackages, write } from "../contender/debian.ts";
import { serve } from "../contender/serve.ts";

/** Exim as Debian builds it (GnuTLS); messages stay in its queue, and it asks nobody who the client is. */
export const exim = packaged({
  name: "Exim",
  promise: "on disk, two files and their flushes for each, held",
  packages: ["exim"],
  start,
});

async function start(place: Place, [smtp = 0, submission = 0]: readonly number[]): Promise<Running> {
  chmodSync(join(place.folder, "etc/ssl/key.pem"), 0o644); // read after it has become its own user
  for (const part of ["var/spool/exim4", "var/log/exim4", "run/exim4"]) {
    write(place.folder, `${part}/.keep`, "");
  }
  write(
    place.folder,
    "etc/exim4/exim4.conf",
    `primary_hostname = ${host}
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
daemon_smtp_ports = ${smtp} : ${submission}
local_interfaces = 127.0.0.1
queue_only
queue_only_override = false
host_lookup =
helo_lookup_domains =
rfc1413_query_timeout = 0s
smtp_accept_max = ${sessionsAtOnce}
smtp_accept_max_per_connection = 0
smtp_accept_max_nonmail = 1000000
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 512
message_size_limit = 100M
acl_smtp_rcpt = accept
keep_environment =
tls_advertise_hosts = *
tls_certificate = /etc/ssl/cert.pem
tls_privatekey = /etc/ssl/key.pem
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${user}}}{eq{$auth3}{${password}}}}}
  server_set_id = $auth2
`,
  );
  const owned = [
    "chown",
    "-R",
    "Debian-exim:Debian-exim",
    "/var/spool/exim4",
    "/var/log/exim4",
    "/run/exim4",
  ];
  const words = ["/bin/sh", "-c", `${owned.join(" ")} && exec /usr/sbin/exim4 -bdf`];
  await serve(place, withPackages(place, ["exim"], words), [smtp, submission]);
  return receiving(smtp, submission);
}
