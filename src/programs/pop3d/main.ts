/** qmail-pop3d: serves one Maildir to whom authup let in. qmail-pop3d(8) */
import { resolve } from "node:path";
import { MultiLine, wholeResponse } from "../../protocol/pop3/multi-line.ts";
import {
  fresh,
  type Maildrop,
  responses,
  type Session,
  step,
  uniqueIdOf,
} from "../../protocol/pop3/transaction-state.ts";
import { CommandReader } from "../../protocol/smtp/command.ts";
import {
  isMaildir,
  type MaildirFile,
  moveToCur,
  readMessage,
  removeMessage,
  scanMaildir,
} from "../../system/maildrop.ts";
import { Closed, type Output, type System, TimedOut } from "../../system/system.ts";

/** RFC 1939 §3: at least ten minutes. */
const timeoutSeconds = 1200;
/** What was said waits for company up to here. */
const gatherOctets = 65536;

/** Serves the Maildir that is the argument, from the working directory on. Returns 0, whatever happens. */
export async function main([argument]: readonly string[], system: System): Promise<number> {
  try {
    await serve(argument, system);
  } catch (error) {
    if (!(error instanceof TimedOut) && !(error instanceof Closed)) throw error;
  }
  return 0;
}

async function serve(argument: string | undefined, system: System): Promise<void> {
  const speaker = new Speaker(system.output(1));
  // Not chdir: many sessions of one user share a process.
  const maildir = argument === undefined ? undefined : resolve(system.cwd(), argument);
  if (maildir === undefined || !isMaildir(maildir)) return speaker.last(responses.noMaildir);
  let files: readonly MaildirFile[];
  try {
    files = await scanMaildir(maildir, system.now());
  } catch {
    return speaker.last(responses.cannotScan);
  }
  speaker.say(responses.ok);
  await speaker.send();
  await converse(system, new Mailbox(maildir, files), speaker);
}

/** Until QUIT or the end of file. What was not committed by QUIT has not happened. */
async function converse(system: System, mailbox: Mailbox, speaker: Speaker): Promise<void> {
  const reader = new CommandReader();
  const input = system.input(0);
  let session = fresh;
  for (;;) {
    const chunk = await input.read(timeoutSeconds);
    if (chunk === null) return;
    reader.give(chunk);
    for (let command = reader.next(); command !== undefined; command = reader.next()) {
      system.record({ verb: command.verb });
      const [next, action] = step(mailbox.maildrop, session, command);
      session = next;
      switch (action.do) {
        case "say":
          speaker.say(action.text);
          break;
        case "send": {
          const sending = mailbox.send(action.index, action.bodyLines, speaker);
          if (sending !== undefined) await sending;
          break;
        }
        case "update":
          return speaker.last(mailbox.update(session));
        default:
          return action satisfies never;
      }
      if (speaker.gathered.length > gatherOctets) await speaker.send();
    }
    const full = speaker.send();
    if (full !== undefined) await full;
  }
}

/** A list of files is the same for many sessions. */
const maildrops = new WeakMap<readonly MaildirFile[], Maildrop>();

function maildropOf(files: readonly MaildirFile[]): Maildrop {
  let maildrop = maildrops.get(files);
  if (maildrop === undefined) {
    maildrop = files.map(({ name, sizeOctets }) => ({ sizeOctets, uniqueId: uniqueIdOf(name) }));
    maildrops.set(files, maildrop);
  }
  return maildrop;
}

/** The Maildir as it was when the session began. */
class Mailbox {
  readonly maildrop: Maildrop;
  readonly #maildir: string;
  readonly #files: readonly MaildirFile[];

  constructor(maildir: string, files: readonly MaildirFile[]) {
    this.maildrop = maildropOf(files);
    this.#maildir = maildir;
    this.#files = files;
  }

  /** A message that is not small is read as it is sent; then there is something to wait for. */
  send(index: number, bodyLines: number | undefined, speaker: Speaker): Promise<void> | undefined {
    const content = readMessage(this.#maildir, this.#files[index]!);
    if (content === undefined) {
      speaker.say(responses.cannotOpen);
      return undefined;
    }
    if (!(content instanceof Uint8Array)) return sendChunks(content, bodyLines, speaker);
    if (bodyLines === undefined) {
      speaker.say(wholeResponse(responses.ok, content));
      return undefined;
    }
    const response = new MultiLine(bodyLines);
    speaker.say(responses.ok);
    speaker.say(response.push(content));
    speaker.say(response.finish());
    return undefined;
  }

  /** The update state: RFC 1939 §6. Returns what to say of it. */
  update({ deleted }: Session): string {
    let trouble = "";
    for (const [index, file] of this.#files.entries()) {
      if (!deleted.has(index)) moveToCur(this.#maildir, file);
      else if (!removeMessage(this.#maildir, file)) trouble += responses.cannotUnlink;
    }
    return trouble + responses.ok;
  }
}

async function sendChunks(
  content: AsyncIterable<Uint8Array>,
  bodyLines: number | undefined,
  speaker: Speaker,
): Promise<void> {
  const response = new MultiLine(bodyLines);
  speaker.say(responses.ok);
  for await (const chunk of content) {
    speaker.say(response.push(chunk));
    if (speaker.gathered.length > gatherOctets) await speaker.send();
    if (response.complete) break;
  }
  speaker.say(response.finish());
}

/** Gathers what is said, so that it leaves in one write. */
class Speaker {
  readonly #output: Output;
  /** latin1 */
  gathered = "";

  constructor(output: Output) {
    this.#output = output;
  }

  say(text: string): void {
    this.gathered += text;
  }

  /** As Output.write(): there is something to wait for when the client is behind. */
  send(): Promise<void> | undefined {
    if (this.gathered === "") return undefined;
    const text = this.gathered;
    this.gathered = "";
    return this.#output.say === undefined
      ? this.#output.write(Buffer.from(text, "latin1"))
      : this.#output.say(text);
  }

  /** Says a last thing. */
  async last(text: string): Promise<void> {
    this.say(text);
    await this.send();
  }
}
