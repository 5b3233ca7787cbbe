/**
 * qmail-qfilter: runs a message through filters, each a program, and hands what comes out to the queue. It stands in
 * the place of qmail-queue. Source: qmail-qfilter(1).
 *
 *     fd 0 message   1 the new one   3 envelope   4 the new one   5 the queue program   6 words for the client
 */
import { parseEnvelope } from "../../protocol/queue/envelope.ts";
import {
  CannotOpen,
  CannotRun,
  codeOf,
  type Ended,
  type System,
  type TemporaryFile,
} from "../../system/system.ts";
import { passStraight, topOf } from "./straight.ts";

/** Our own exit codes; those of filters and the queue are passed on. Source: qmail-queue(8). */
export const exit = { queued: 0, tooLong: 11, fileError: 53, internal: 81, badEnvelope: 91 } as const;

/** A filter that exits so has taken the message: it is not queued, and the client hears that it was. */
const drop = 99;

/** `prog1 [args] -- prog2 [args] …`; descriptors 0 and 1 as qmail-queue's. Returns an exit code of qmail-queue. */
export async function main(words: readonly string[], system: System): Promise<number> {
  const commands = commandsOf(words);
  if (commands === undefined) return exit.internal;
  const queueProgram = system.env.get("QQF_QMAILQUEUE") ?? `${system.home()}/bin/qmail-queue`;
  const top = topOf(commands, queueProgram, system);
  if (top !== undefined) return passStraight(top, exit.badEnvelope, system);
  const passage = new Passage(system, queueProgram);
  try {
    return await passage.run(commands);
  } catch (error) {
    // As the original: a filter that cannot be run is not named.
    if (error instanceof CannotRun || error instanceof CannotOpen) return exit.internal;
    if (codeOf(error) === "") throw error;
    system.log(`qmail-qfilter: ${(error as Error).message}`);
    return exit.fileError;
  } finally {
    passage.close();
  }
}

/** The commands between the `--`; undefined when one of them is empty. */
export function commandsOf(words: readonly string[]): string[][] | undefined {
  if (words.length === 0) return [];
  const commands: string[][] = [[]];
  for (const word of words) {
    if (word === "--") commands.push([]);
    else commands.at(-1)!.push(word);
  }
  return commands.some((command) => command.length === 0) ? undefined : commands;
}

/** One message on its way through the filters. */
class Passage {
  readonly #system: System;
  readonly #files: TemporaryFile[] = [];
  #queueProgram: string;
  /** What the environment tells of. */
  #described: TemporaryFile | undefined;

  constructor(system: System, queueProgram: string) {
    this.#system = system;
    this.#queueProgram = queueProgram;
  }

  async run(commands: readonly (readonly string[])[]): Promise<number> {
    const { env, parentPid } = this.#system;
    let message = await this.#copyOf(0);
    let envelope = await this.#copyOf(1);
    const fault = await this.#describe(envelope);
    if (fault !== undefined) return fault;
    env.set("QMAILPPID", String(parentPid));
    env.delete("QMAILNAME");
    for (const command of commands) {
      const changed = await this.#describe(envelope);
      if (changed !== undefined) return changed;
      env.set("ENVSIZE", String(await envelope.size()));
      env.set("MSGSIZE", String(await message.size()));
      const [newMessage, newEnvelope, queue] = [await this.#file(), await this.#file(), await this.#file()];
      const ended = await this.#run(command, [message, newMessage, envelope, newEnvelope, queue]);
      if ("signal" in ended) return exit.internal;
      if (ended.code === drop) return exit.queued;
      if (ended.code !== 0) return ended.code;
      if ((await newMessage.size()) > 0) message = newMessage;
      if ((await newEnvelope.size()) > 0) envelope = newEnvelope;
      if ((await queue.size()) > 0) this.#queueProgram = textOf(await queue.read());
    }
    const ended = await this.#run([this.#queueProgram], [message, envelope]);
    return "signal" in ended ? exit.internal : ended.code;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  /** Runs `command` with `files` on 0, 1, 3, 4 and 5. Throws CannotRun. */
  async #run(command: readonly string[], files: readonly TemporaryFile[]): Promise<Ended> {
    const descriptors = [0, 1, 3, 4, 5];
    const wires = Object.fromEntries(files.map((file, at) => [descriptors[at]!, { file } as const]));
    const child = await this.#system.spawn(command, { wires: { ...wires, 6: { inherit: true } } });
    return child.wait();
  }

  /** Tells the filters in their environment who the message is from and to. An exit code when nobody can tell. */
  async #describe(envelope: TemporaryFile): Promise<number | undefined> {
    if (this.#described === envelope) return undefined;
    const parsed = parseEnvelope(await envelope.read());
    if ("exit" in parsed) return parsed.exit === exit.tooLong ? exit.tooLong : exit.badEnvelope;
    this.#described = envelope;
    const { sender, recipients } = parsed;
    const at = sender.lastIndexOf("@");
    this.#system.env
      .set("QMAILUSER", at < 0 ? sender : sender.slice(0, at))
      .set("QMAILHOST", at < 0 ? "" : sender.slice(at + 1))
      .set("QMAILRCPTS", recipients.map((recipient) => `${recipient}\n`).join(""))
      .set("NUMRCPTS", String(recipients.length));
    return undefined;
  }

  async #copyOf(descriptor: number): Promise<TemporaryFile> {
    const file = await this.#file();
    const input = this.#system.input(descriptor);
    for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) await file.write(chunk);
    return file;
  }

  async #file(): Promise<TemporaryFile> {
    const file = await this.#system.temporaryFile();
    this.#files.push(file);
    return file;
  }
}

/** A filter may end its line. */
const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString("latin1")
    .replace(/[\n\0]+$/, "");
