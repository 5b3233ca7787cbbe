/**
 * The worker of one user: it runs what stands after checkpassword, for sessions whose password was right, and for
 * nobody else. It takes a session only with a ticket that the master gave it, once.
 */
import { closeSync } from "node:fs";
import { deadlines } from "../deadlines.ts";
import { runResident } from "../resident-host.ts";
import { connectionOf } from "../stream.ts";
import type { Account, Programs } from "../system.ts";
import { Channel, type Received } from "./channel.ts";
import type { SettledFacts } from "./foreign-checkpassword.ts";
import { LogLines } from "./log-lines.ts";
import { heardEnvironment } from "./login-environment.ts";
import { type Heard, Hearing } from "./said.ts";
import { checkpasswordOf, type Service } from "./service.ts";
import { SessionRecord } from "./session-record.ts";

interface Admission {
  readonly service: Service;
  readonly account: Account;
  readonly settled: SettledFacts | undefined;
  /** Takes back the deadline of the ticket. */
  used(): void;
}

/** Seconds in which a ticket must be used. */
const ticketSeconds = 60;
/** Seconds in which the ticket of a session that came first must follow. */
const earlySeconds = 10;
/** Seconds without a session after which the worker offers to go. */
const idleSeconds = 300;

export function userWorker(master: Channel, programs: Programs): void {
  const tickets = new Map<string, Admission>();
  const services = new Map<number, Service>();
  const log = new LogLines(master);
  /** Sessions that came before their ticket did: the two come by different ways. */
  const early = new Map<string, () => void>();
  let sessions = 0;
  let retiring = false;
  let idle: NodeJS.Timeout | undefined;

  /** Says that there is nothing to do, if that is so. */
  const offerToGo = () => {
    if (sessions > 0 || tickets.size > 0) return;
    log.flush();
    master.send({ kind: "idle" });
  };

  master.onMessage = ({ head, descriptors }) => {
    if (head.kind === "retire") {
      retiring = true;
      offerToGo();
    } else if (head.kind === "admit") {
      const ticket = String(head["ticket"]);
      // Told once and whenever it has changed; else its number.
      const told = head["service"] as Service | number;
      if (typeof told !== "number") services.set(told.id, told);
      const service = typeof told === "number" ? services.get(told) : told;
      if (service === undefined) return;
      tickets.set(ticket, {
        service,
        account: head["account"] as Account,
        settled: head["settled"] as SettledFacts | undefined,
        used: deadlines.after(ticketSeconds, () => {
          if (tickets.delete(ticket) && retiring) offerToGo();
        }),
      });
      early.get(ticket)?.();
      clearTimeout(idle);
    } else if (head.kind === "peer") {
      const front = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! }, 1);
      const hearing = new Hearing();
      front.onMessage = (message) => {
        // Whatever becomes of the session: the next one may build on it.
        const heard = hearing.hear(Number(message.head["service"]), message.head);
        void session(front, message, heard);
      };
    }
  };

  /** Resolves when the ticket is there, or after a while. */
  function arrivalOf(ticket: string): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        cancel();
        early.delete(ticket);
        resolve();
      };
      const cancel = deadlines.after(earlySeconds, settle);
      early.set(ticket, settle);
    });
  }

  async function session(front: Channel, message: Received, heard: Heard): Promise<void> {
    const { head, descriptors } = message;
    const ticket = String(head["ticket"]);
    if (head.kind === "session" && !tickets.has(ticket)) await arrivalOf(ticket);
    const admission = tickets.get(ticket);
    const [fd] = descriptors;
    if (head.kind !== "session" || admission === undefined || fd === undefined) {
      for (const descriptor of descriptors) closeSync(descriptor);
      front.reply(message, { code: 111 });
      return;
    }
    tickets.delete(ticket);
    admission.used();
    const { service } = admission;
    const { argv, env, cwd } = surroundings(admission, heard);
    sessions += 1;
    const { socket, input, output } = connectionOf(fd);
    const record = new SessionRecord();
    const ended = await runResident(argv, {
      programs,
      env,
      cwd,
      input,
      output,
      log: (line) => log.add(service.id, line),
      record: (facts) => record.add(facts),
    });
    record.add({ in: input.octets, out: output.octets });
    await output.flush().catch(() => {});
    // Closed here, not shut down: authup, which still has the connection, has the last word.
    socket.destroy();
    front.reply(message, { ...ended, facts: record.facts() });
    sessions -= 1;
    if (sessions > 0) return;
    clearTimeout(idle);
    if (retiring) offerToGo();
    else idle = setTimeout(offerToGo, idleSeconds * 1000);
  }
}

/** What runs for the user, and in which surroundings: those of a checkpassword of ours, or those that another made. */
function surroundings(
  { service, account, settled }: Admission,
  heard: Heard,
): { argv: readonly string[]; env: Map<string, string>; cwd: string } {
  if (settled !== undefined) {
    const env = Object.entries(settled.env).map(([name, value]) => [name, textOf(value)] as const);
    return { argv: settled.argv, env: new Map(env), cwd: textOf(settled.cwd) };
  }
  const env = heardEnvironment(service, heard);
  env.set("USER", account.user).set("HOME", account.home).set("SHELL", account.shell);
  return { argv: checkpasswordOf(service).argv.slice(1), env, cwd: account.home };
}

/** What becomes a variable or a path is text, of the same octets in UTF-8. */
const textOf = (latin1: string) => Buffer.from(latin1, "latin1").toString("utf8");
