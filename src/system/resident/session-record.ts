/** What is known of a session, for the one line that is logged when it ends. Never what was said in it. */
import type { Facts } from "../system.ts";

/** All other words a client may begin a line with are counted together: they may be anything, a password too. */
const verbs = new Set(
  "HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT CAPA STLS USER PASS APOP STAT LIST UIDL RETR TOP DELE LAST".split(
    " ",
  ),
);

export class SessionRecord {
  readonly #verbs = new Map<string, number>();
  readonly #facts = new Map<string, string | number>();

  /** Numbers add up; words replace each other. */
  add(facts: Facts): void {
    for (const name in facts) {
      const value = facts[name]!;
      if (name === "verb") this.#count(String(value), 1);
      else if (name.startsWith("verb ")) this.#count(name.slice(5), Number(value));
      else if (typeof value === "number") this.#facts.set(name, Number(this.#facts.get(name) ?? 0) + value);
      else this.#facts.set(name, value);
    }
  }

  /** All of it as facts, to be added to another record. */
  facts(): Facts {
    const counted = [...this.#verbs].map(([verb, count]) => [`verb ${verb}`, count]);
    return Object.fromEntries([...this.#facts, ...counted]);
  }

  /** `name=value` pairs in logfmt: who, TLS, verbs, messages, octets, outcome, seconds. */
  line(order: readonly string[]): string {
    if (this.#verbs.size > 0) {
      this.#facts.set("verbs", [...this.#verbs].map(([verb, count]) => `${verb}:${count}`).join(","));
    }
    let line = "";
    for (const name of order) {
      const value = this.#facts.get(name);
      if (value === undefined) continue;
      line += `${line === "" ? "" : " "}${name}=${typeof value === "number" ? value : logfmt(value)}`;
    }
    return line;
  }

  #count(word: string, by: number): void {
    const verb = verbs.has(word) ? word : "other";
    this.#verbs.set(verb, (this.#verbs.get(verb) ?? 0) + by);
  }
}

/** A value that needs no quotes stays as it is. */
function logfmt(value: string): string {
  if (/^[!#-<>-~]{1,200}$/.test(value)) return value;
  const clean = value.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
  return /^[^\s"=]+$/.test(clean) ? clean : `"${clean.replaceAll(/["\\]/g, "?")}"`;
}
