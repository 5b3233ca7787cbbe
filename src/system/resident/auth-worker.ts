/**
 * The auth process: it alone reads the user database. It sees one question at a time, a user's name and a secret,
 * and answers the front with an exit code or, by way of the master, with a ticket for that user's worker. It keeps
 * the book of failures, and tells the fronts whom not to serve.
 */
import { closeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setTimeout as sleepMs } from "node:timers/promises";
import { type Authenticator, usualAuthenticator } from "../../auth/authenticator.ts";
import { type Backend, Unable } from "../../auth/backend.ts";
import { Busy } from "../../auth/fair-queue.ts";
import { networkOf } from "../../auth/network.ts";
import { Gone } from "../../auth/sasl/converse.ts";
import { exit, verifyFields } from "../../control/verify-fields.ts";
import { type Surroundings, surroundingsOf } from "../backends/surroundings.ts";
import { isBackend, openBackend } from "../backends/table.ts";
import type { Perform } from "../c-library/deeds.ts";
import { Helpers } from "../c-library/helpers.ts";
import { lookUp } from "../lookup.ts";
import { type Account, CannotOpen, CannotRun } from "../system.ts";
import { Channel, type Received } from "./channel.ts";
import { Exchanges, type Next } from "./exchanges.ts";
import {
  EndedOtherwise,
  foreignCheckpassword,
  type Login,
  type SettledFacts,
} from "./foreign-checkpassword.ts";
import { exemptIn, keepBook } from "./keep-book.ts";
import { LogLines } from "./log-lines.ts";
import { loginEnvironment } from "./login-environment.ts";
import { checkpasswordOf, type Service } from "./service.ts";

/** Of one foreign checkpassword in the log. */
const mostLines = 100;
const cores = availableParallelism();

/** An address of a network, from the name that networkOf() gives it. */
const addressIn = (network: string) => network.replace(/\/64$/, "");

/** Who may log in to one home folder, and who tries to. */
interface Gate {
  readonly around: Surroundings;
  readonly authenticator: Authenticator;
  /** By the program that asks it. */
  readonly backends: Map<string, Promise<Backend>>;
  readonly book: { changed(): void };
}

export function authWorker(master: Channel): void {
  const services = new Map<number, Service>();
  const gates = new Map<string, Gate>();
  const fronts = new Set<Channel>();
  const helpers = new Helpers({ atOnce: cores, waiting: 1000, seconds: 30, idleSeconds: 60 });
  const perform: Perform = (deed, secret) => helpers.perform(deed, secret);
  const log = new LogLines(master);

  master.onMessage = ({ head, descriptors }) => {
    if (head.kind === "service") {
      const service = head["service"] as Service;
      services.set(service.id, service);
      gateOf(service); // the book is read before the first guess
    } else if (head.kind === "peer") {
      joined(new Channel({ stream: descriptors[0]!, packets: descriptors[1]! }));
    }
  };

  function joined(front: Channel): void {
    fronts.add(front);
    const exchanges = new Exchanges();
    front.onClose = () => {
      fronts.delete(front);
      exchanges.close();
    };
    front.onMessage = (message) => {
      const said: string[] = [];
      answer(message, said, exchanges)
        .catch(failure)
        .then(({ challenge, ...facts }) =>
          front.reply(message, { ...facts, said, challenge: challenge !== undefined }, challenge),
        )
        .finally(() => {
          message.body.fill(0);
          for (const fd of message.descriptors) closeSync(fd);
        });
    };
    for (const { authenticator } of gates.values()) tellAll(authenticator, [front]);
  }

  /** Tells fronts of all clients that are not to be served: those from before a restart, of us or of them. */
  function tellAll(authenticator: Authenticator, whom: Iterable<Channel>): void {
    for (const { kind, name } of authenticator.book.entries(Date.now())) {
      if (kind === "network") tell(authenticator, addressIn(name), whom);
    }
  }

  /** Tells fronts how long a client is not to be served. */
  function tell({ book }: Authenticator, client: string, whom: Iterable<Channel> = fronts): void {
    const network = networkOf(client);
    const seconds = book.refusedSeconds(client, Date.now());
    if (network === undefined || seconds === 0) return;
    for (const front of whom) front.send({ kind: "turnAway", network, seconds });
  }

  function gateOf(service: Service): Gate {
    const home = service.env["ACCEPTUTILS_HOME"] ?? "/var/qmail";
    const there = gates.get(home);
    if (there !== undefined) return there;
    const authenticator = usualAuthenticator({
      cores,
      exempt: exemptIn(home, (line) => log.add(service.id, line)),
      sleep: (seconds) => sleepMs(seconds * 1000),
    });
    const book = keepBook(home, authenticator.book, {
      forgiven: (name) => {
        const network = networkOf(addressIn(name));
        for (const front of fronts) front.send({ kind: "turnAway", network, seconds: 0 });
      },
      log: (line) => log.add(service.id, line),
    });
    const around = { ...surroundingsOf(home), perform, alone: false };
    const gate = { around, authenticator, book, backends: new Map() };
    gates.set(home, gate);
    tellAll(authenticator, fronts);
    return gate;
  }

  /** The backend that a service's checkpassword is; of someone else's, a process for this one login. */
  async function backendFor(
    { around, backends }: Gate,
    service: Service,
    { head, descriptors: [client] }: Received,
    told: Pick<Login, "log" | "settle">,
  ): Promise<Backend> {
    const { argv } = checkpasswordOf(service);
    const cwd = around.home();
    const { ours } = lookUp(argv[0] ?? "", service.env["PATH"], cwd);
    if (ours === undefined || !isBackend(ours)) {
      const env = loginEnvironment(service, head["env"]);
      return foreignCheckpassword({ argv, env, cwd, client, ...told });
    }
    const there = backends.get(ours);
    if (there !== undefined) return there;
    const opened = openBackend(ours, around);
    backends.set(ours, opened);
    opened.catch(() => backends.delete(ours));
    return opened;
  }

  /** `said` gets lines for the log, which the front writes among its own. */
  async function answer(message: Received, said: string[], exchanges: Exchanges): Promise<Answer> {
    const { head, body } = message;
    const service = services.get(Number(head["service"]));
    if (service === undefined) return { code: exit.temporary };
    const login: OneLogin = { service, gate: gateOf(service), client: String(head["client"] ?? "") };
    const exchange = Number(head["exchange"]);
    switch (head.kind) {
      case "verify":
        return verify(login, message, said);
      case "converse":
        return outcome(login, await begin(login, message, exchanges));
      case "message":
        return outcome(login, await exchanges.message(exchange, body));
      case "abandon":
        exchanges.abandon(exchange);
        return {};
      default:
        return { code: exit.temporary };
    }
  }

  async function verify(login: OneLogin, message: Received, said: string[]): Promise<Answer> {
    const { service, gate, client } = login;
    let settled: SettledFacts | undefined;
    const backend = await backendFor(gate, service, message, {
      log: (line) => void (said.length < mostLines && said.push(line)),
      settle: (facts) => {
        settled = facts;
      },
    });
    const verdict = await verifyFields(message.body, client, (question) =>
      gate.authenticator.answer(backend, question),
    );
    if (typeof verdict === "number") return refused(login, { code: verdict });
    return admit(service, verdict, settled);
  }

  async function begin(
    { service, gate, client }: OneLogin,
    message: Received,
    exchanges: Exchanges,
  ): Promise<Next> {
    const { head, body } = message;
    const { stored } = await backendFor(gate, service, message, { log: () => {}, settle: () => {} });
    if (stored === undefined) throw new Gone("this checkpassword cannot be talked with");
    const certificate = (head["certificate"] as unknown[]).map(String);
    const opening = { mechanism: String(head["mechanism"]), binding: String(head["binding"]), certificate };
    const judge = (user: string, work: () => Promise<boolean>) =>
      gate.authenticator.judge({ client, user }, work);
    const initial = head["silent"] === true ? undefined : body;
    return exchanges.begin(Number(head["exchange"]), opening, initial, { stored, judge });
  }

  /** What a conversation has come to, for the front. */
  async function outcome(login: OneLogin, next: Next): Promise<Answer> {
    if ("challenge" in next) return next;
    const { verdict } = next;
    if (verdict === "malformed") return { code: exit.unacceptable, malformed: true };
    if ("refused" in verdict) return refused(login, { code: exit.unacceptable, user: verdict.refused });
    return { ...(await admit(login.service, verdict.account)), user: verdict.user };
  }

  function refused({ gate, client }: OneLogin, facts: Answer): Answer {
    gate.book.changed();
    tell(gate.authenticator, client);
    return facts;
  }

  async function admit(service: Service, account: Account, settled?: SettledFacts): Promise<Answer> {
    const admitted = await master.ask({ kind: "admit", service: service.id, account, settled });
    return admitted === undefined ? { code: exit.temporary } : { ...admitted.head };
  }
}

/** Somebody who tries to log in. */
interface OneLogin {
  readonly service: Service;
  readonly gate: Gate;
  readonly client: string;
}

/** What a front is told: facts, or a challenge for the client. */
type Answer = Readonly<Record<string, unknown>> & { readonly challenge?: Uint8Array | undefined };

/** What a front is told when there is no answer. */
function failure(error: unknown): Answer {
  if (error instanceof Busy) return { code: exit.temporary, busy: true, why: error.message };
  if (error instanceof Gone) return { code: exit.unacceptable };
  if (error instanceof EndedOtherwise) return { ...error.ended, why: error.message };
  const expected = error instanceof CannotOpen || error instanceof CannotRun || error instanceof Unable;
  return { code: exit.temporary, why: expected ? error.message : String(error) };
}
