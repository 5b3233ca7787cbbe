import type { Report } from "../../protocol/queue/job.ts";
import { lineTextOf } from "../../system/log-line.ts";
import type { Message } from "../../system/queue/store.ts";

/** Lines of so many milliseconds are one write: whoever reads the log is woken for each. */
const gatherMs = 10;

const verbs = { success: "success", failure: "failure", deferral: "deferral" } as const;

/** The lines that qmail-send has always written; tools read them. Source: qmail-log(5). */
export class DeliveryLog {
  readonly #write: (lines: Buffer) => void;
  #lines = "";

  /** `write` gets one or more lines, each with its LF. */
  constructor(write: (lines: Buffer) => void) {
    this.#write = write;
  }

  newMessage(
    id: number,
    { sizeOctets, sender, pid, uid }: Pick<Message, "sizeOctets" | "sender" | "pid" | "uid">,
  ): void {
    this.line(`new msg ${id}`);
    this.line(`info msg ${id}: bytes ${sizeOctets} from <${safe(sender)}> qp ${pid} uid ${uid}`);
  }

  starting(delivery: number, message: number, way: "local" | "remote", address: string): void {
    this.line(`starting delivery ${delivery}: msg ${message} to ${way} ${safe(address)}`);
  }

  ended(delivery: number, { how, text }: Report): void {
    // Every line of the report in one: blanks as `_`, line ends as `/`.
    this.line(
      `delivery ${delivery}: ${verbs[how]}: ${safe(text.replaceAll(" ", "_").replaceAll("\n", "/"))}`,
    );
  }

  line(line: string): void {
    if (this.#lines === "") setTimeout(() => this.flush(), gatherMs);
    this.#lines += lineTextOf(line);
  }

  /** What is waiting goes now. */
  flush(): void {
    if (this.#lines === "") return;
    const lines = Buffer.from(this.#lines, "latin1");
    this.#lines = "";
    this.#write(lines);
  }
}

/** No byte of a stranger can begin a line of the log. */
export const safe = (text: string): string => (unsafe.test(text) ? text.replace(everyUnsafe, "?") : text);

const unsafe = /[\x00-\x1f\x7f]/;
const everyUnsafe = /[\x00-\x1f\x7f]/g;
