/** The programs by name, in the order a connection meets them. Each is loaded when it is first run. */
import type { Program } from "../system/system.ts";

const loaders: ReadonlyMap<string, () => Promise<{ main: Program }>> = new Map([
  ["sslserver", () => import("./sslserver/main.ts")],
  ["tcpserver", () => import("./sslserver/tcpserver.ts")],
  ["s6-tcpserver", () => import("./s6-tcpserver/main.ts")],
  ["s6-tcpserver4", () => import("./s6-tcpserver/ipv4.ts")],
  ["s6-tcpserver6", () => import("./s6-tcpserver/ipv6.ts")],
  ["s6-tcpserver-access", () => import("./s6-tcpserver-access/main.ts")],
  ["s6-ucspitlsd", () => import("./s6-ucspitlsd/main.ts")],
  ["s6-tlsd", () => import("./s6-tlsd/main.ts")],
  ["s6-tlsd-io", () => import("./s6-tlsd-io/main.ts")],
  ["tcprules", () => import("./tcprules/main.ts")],
  ["tcprulescheck", () => import("./tcprulescheck/main.ts")],
  ["rblsmtpd", () => import("./rblsmtpd/main.ts")],
  ["authup", () => import("./authup/main.ts")],
  ["checkpassword", () => import("./checkpassword/main.ts")],
  ["checkpassword-shadow", () => import("./checkpassword/shadow.ts")],
  ["checkpassword-pam", () => import("./checkpassword/pam.ts")],
  ["checkpassword-ldap", () => import("./checkpassword/ldap.ts")],
  ["checkpassword-pgsql", () => import("./checkpassword/pgsql.ts")],
  ["checkpassword-http", () => import("./checkpassword/http.ts")],
  ["checkpassword-dovecot", () => import("./checkpassword/dovecot.ts")],
  ["checknotroot", () => import("./checknotroot/main.ts")],
  ["fixsmtpio", () => import("./fixsmtpio/main.ts")],
  ["qmail-smtpd", () => import("./qmail-smtpd/main.ts")],
  ["qmail-rcptcheck", () => import("./rcptcheck/main.ts")],
  ["qmail-rcptcheck-badrcptto", () => import("./rcptcheck/badrcptto.ts")],
  ["ofmipd", () => import("./ofmipd/main.ts")],
  ["acceptutils", () => import("./acceptutils/main.ts")],
  ["qmail-pop3d", () => import("./pop3d/main.ts")],
  ["qmail-qfilter-queue", () => import("./qfilter-queue/main.ts")],
  ["qmail-qfilter", () => import("./qfilter/main.ts")],
  ["qmail-qfilter-addtlsheader", () => import("./qfilter-addtlsheader/main.ts")],
  ["qmail-queue", () => import("./queue/main.ts")],
  ["qmail-send", () => import("./send/main.ts")],
  ["qmail-remote", () => import("./remote/main.ts")],
  ["qmail-local", () => import("./local/main.ts")],
]);

/** The names of all programs: what `acceptutils install` makes launchers for. */
export const programNames: readonly string[] = [...loaders.keys()];

const loaded = new Map<string, Promise<Program> | Program>();

/** The program called `name`, at once when it is loaded; undefined when none of ours is. */
export function programCalled(name: string): Promise<Program> | Program | undefined {
  const before = loaded.get(name);
  if (before !== undefined) return before;
  const program = loaders
    .get(name)?.()
    .then(({ main }) => {
      loaded.set(name, main);
      return main;
    });
  if (program !== undefined) loaded.set(name, program);
  return program;
}
