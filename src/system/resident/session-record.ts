/** What is known of a session, for the one line that is logged when it ends. Never what was said in it. */
import type { Facts } from "../system.ts";

/** How often a verb was said is a fact, too: this and the verb. */
const counted = "verb ";

/** All other words a client may begin a line with are counted together: they may be anything, a password too. */
const verbs = new Map(
  "HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT CAPA STLS USER PASS APOP STAT LIST UIDL RETR TOP DELE LAST"
    .split(" ")
    .map((verb) => [verb, counted + verb]),
);
const others = `${counted}other`;

/** A word that a client began a line with, as a fact. */
const factOf = (word: string) => verbs.get(word) ?? others;

export class SessionRecord {
  readonly #facts: Record<string, string | number> = {};

  /** Numbers add up; words replace each other. */
  add(facts: Facts): void {
    for (const name in facts) {
      const value = facts[name]!;
      if (name === "verb") this.#sum(factOf(String(value)), 1);
      else if (name.startsWith(counted)) this.#sum(factOf(name.slice(counted.length)), Number(value));
      else if (typeof value === "number") this.#sum(name, value);
      else this.#facts[name] = value;
    }
  }

  /** All of it as facts, to be added to another record. */
  facts(): Facts {
    return { ...this.#facts };
  }

  /** `name=value` pairs in logfmt: who, TLS, verbs, messages, octets, outcome, seconds. */
  line(order: readonly string[]): string {
    const verbs = this.#verbs();
    let line = "";
    for (const name of order) {
      const value = name === "verbs" ? verbs : this.#facts[name];
      if (value === undefined) continue;
      line += `${line === "" ? "" : " "}${name}=${typeof value === "number" ? value : logfmt(value)}`;
    }
    return line;
  }

  #sum(name: string, by: number): void {
    this.#facts[name] = Number(this.#facts[name] ?? 0) + by;
  }

  /** `EHLO:1,MAIL:2`; undefined when the client said nothing. */
  #verbs(): string | undefined {
    let said: string | undefined;
    for (const name in this.#facts) {
      if (!name.startsWith(counted)) continue;
      const verb = `${name.slice(counted.length)}:${this.#facts[name]}`;
      said = said === undefined ? verb : `${said},${verb}`;
    }
    return said;
  }
}

/** A value that needs no quotes stays as it is. */
function logfmt(value: string): string {
  if (/^[!#-<>-~]{1,200}$/.test(value)) return value;
  const clean = value.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
  return /^[^\s"=]+$/.test(clean) ? clean : `"${clean.replaceAll(/["\\]/g, "?")}"`;
}
