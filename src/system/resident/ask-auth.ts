/**
 * `checkpassword` as an auth front runs it: what comes on descriptor 3 goes to the auth process as questions. When the
 * answer is a user, the connection goes to the worker of that user, which runs the words after checkpassword.
 */
import { type Conversation, readDescriptor3 } from "../../auth/descriptor-3.ts";
import { Gone } from "../../auth/sasl/converse.ts";
import { exit } from "../../control/verify-fields.ts";
import { acceptedLine } from "../../protocol/checkpassword/accepted-line.ts";
import { isBackend } from "../backends/table.ts";
import { deadlines } from "../deadlines.ts";
import { lookUp } from "../lookup.ts";
import { duplicateFrom } from "../native.ts";
import { Closed, type Ended, Killed, overloaded, type Program, type System } from "../system.ts";
import type { Channel, Head, Received } from "./channel.ts";
import { saidOf } from "./login-environment.ts";
import type { Said } from "./said.ts";
import { checkpasswordOf, type Service } from "./service.ts";
import type { UserWorkers } from "./user-workers.ts";

/** Longer than any backend is waited for: an auth process that has said nothing by then is stuck. */
const usualPatienceSeconds = 120;

/** Asks the auth process; undefined when it is away, or stuck. */
type Ask = (head: Head, body?: Uint8Array, descriptors?: readonly number[]) => Promise<Received | undefined>;

export function askAuth(
  service: Service,
  auth: () => Channel | undefined,
  users: UserWorkers,
  patienceSeconds = usualPatienceSeconds,
): Program {
  return async (_args, system) => {
    const answered = await admit(system);
    if (typeof answered === "number") return answered;
    const ended = await answered.session;
    if ("signal" in ended) throw new Killed(ended.signal);
    return ended.code;
  };

  /** The session of whose password was right, under way, or an exit code. What it took is gone by then. */
  async function admit(system: System): Promise<{ readonly session: Promise<Ended> } | number> {
    const facts = { service: service.id, client: system.env.get("TCPREMOTEIP") ?? "" };
    const foreign = isForeign(system.cwd(), service);
    const ask: Ask = async (head, body, descriptors) => {
      const asked = auth()?.question({ ...head, ...facts }, body, descriptors);
      // Someone else's checkpassword takes the time it takes.
      const answered = foreign ? () => {} : deadlines.after(patienceSeconds, () => asked?.forget());
      return asked?.answer.finally(answered);
    };
    const answer = await answerTo(system, ask, () => saidOf(system.env, service), foreign);
    if (answer === "gone") return exit.unacceptable; // nobody waits for an answer
    if (answer === undefined) {
      system.log("checkpassword: the auth process is away, or does not answer");
      return exit.temporary;
    }
    const { worker, ticket, code, signal, busy, why, said: lines } = answer.head;
    for (const line of (lines ?? []) as readonly string[]) system.log(line);
    if (typeof worker !== "number" || typeof ticket !== "string") {
      if (typeof why === "string") system.log(`${system.name}: ${why}`);
      if (busy === true) throw new Killed(overloaded);
      if (typeof signal === "string") throw new Killed(signal);
      return Number(code);
    }
    if (!foreign) system.log(acceptedLine(system.pid, answer.user));
    const said = saidOf(system.env, service);
    return { session: users.run(worker, { ticket, service: service.id, said }, system) };
  }
}

/** What the auth process said last, and who the client says it is (latin1). */
type Answer = { readonly head: Head; readonly user: string } | "gone" | undefined;

async function answerTo(system: System, ask: Ask, said: () => Said, foreign: boolean): Promise<Answer> {
  try {
    const given = await readDescriptor3(system);
    if ("conversation" in given) return await relay(given.conversation, ask, said(), system);
    const { fields } = given;
    try {
      const { fd } = system.input(0);
      // Someone else's may want to say something to the client by itself.
      const connection = foreign && fd !== undefined ? [duplicateFrom(fd, 3)] : [];
      // Ours looks at the fields alone.
      const env = foreign ? said() : undefined;
      const answer = await ask({ kind: "verify", env }, fields, connection);
      const user = Buffer.from(fields.subarray(0, fields.indexOf(0))).toString("latin1");
      return answer && { head: answer.head, user };
    } finally {
      fields.fill(0);
    }
  } catch (error) {
    if (error instanceof Gone || error instanceof Closed) return "gone";
    throw error;
  }
}

/** Carries messages between the client and the auth process until that has the last word. */
async function relay(client: Conversation, ask: Ask, env: Said, system: System): Promise<Answer> {
  const exchange = system.pid;
  const { opening, initial } = client;
  let answer = await ask(
    { kind: "converse", exchange, ...opening, env, silent: initial === undefined },
    initial,
  );
  initial?.fill(0);
  while (answer?.head["challenge"] === true) {
    let message: Uint8Array;
    try {
      message = await client.challenge(answer.body);
    } catch (error) {
      void ask({ kind: "abandon", exchange });
      throw error;
    }
    answer = await ask({ kind: "message", exchange }, message);
    message.fill(0);
  }
  if (answer === undefined) return undefined;
  const { head } = answer;
  const user = typeof head["user"] === "string" ? head["user"] : "";
  if (head["malformed"] === true) await client.say("malformed");
  else if (typeof head["ticket"] === "string") {
    await client.say({ accepted: user });
    // A name is UTF-8; the environment holds text, and writes the same octets for it.
    system.env.set("AUTHUP_USER", Buffer.from(user, "latin1").toString("utf8"));
  } else await client.say({ refused: user });
  await client.close();
  return { head, user };
}

/** True for a checkpassword that is not ours; also for one that cannot be found, of which the auth process says why. */
function isForeign(cwd: string, service: Service): boolean {
  try {
    const { ours } = lookUp(checkpasswordOf(service).argv[0] ?? "", service.env["PATH"], cwd);
    return ours === undefined || !isBackend(ours);
  } catch {
    return true;
  }
}
