import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compile, noCompiler } from "../contender/compile.ts";
import {
  domain,
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

/** mailfront under tcpserver, a process for each session: what the classic chain of C programs costs, without TLS. */
export const mailfront = packaged({
  name: "mailfront",
  promise: "on disk, a process, a file and a flush for each; no TLS",
  packages: ["mailfront"],
  missing: noCompiler,
  start,
});

async function start(place: Place, [smtp = 0, pop3 = 0]: readonly number[]): Promise<Running> {
  const { folder } = place;
  const queue = join(folder, "queue");
  mkdirSync(queue);
  const program = join(folder, "qmail-queue");
  compile(program, [join(import.meta.dirname, "qmail-queue.c")]);
  const home = join(folder, "home", user);
  fill(join(home, "Maildir"), userNumber, userNumber);
  // name:password:uid:gid:gecos:home:shell
  write(folder, "etc/cvm-passwd", `${user}:${password}:${userNumber}:${userNumber}::${home}:/bin/false\n`);
  write(folder, "etc/qmail/control/me", `${domain}\n`);
  const env = {
    ...process.env,
    QMAILQUEUE: program,
    QMAILHOME: folder,
    BENCH_QUEUE: queue,
    CVM_PWFILE_PATH: "/etc/cvm-passwd",
    DATABYTES: "100000000",
  };
  const tcpserver = ["tcpserver", "-c", String(sessionsAtOnce), "-b", "512", "-HRl0", "127.0.0.1"];
  const receive = [...tcpserver, String(smtp), "mailfront", "smtp", "qmail", "accept"];
  await serve(place, withPackages(place, ["mailfront"], receive), [smtp], { env });
  const read = [...tcpserver, String(pop3), "pop3front-auth", "cvm-pwfile", "pop3front-maildir", "Maildir"];
  await serve(place, withPackages(place, ["mailfront"], read), [pop3], { env });
  return {
    ...usual,
    doors: new Map([
      ["smtp", smtp],
      ["bare smtp", smtp],
      ["pop3 clear", pop3],
    ]),
    clearOnly: "tcpserver has no TLS",
  };
}
