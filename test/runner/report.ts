/** Follows test runs and says what a person wants to know: failures in full, skips by name, coverage by folder. */
import { relative } from "node:path";
import type { TestsStream } from "node:test";
import { root } from "./case.ts";

interface Counts {
  tests: number;
  suites: number;
  pass: number;
  fail: number;
  cancelled: number;
  skipped: number;
  todo: number;
}

export class Report {
  readonly #counts: Counts = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
  readonly #failures: string[] = [];
  /** Names by reason. */
  readonly #skips = new Map<string, string[]>();

  /** A check that is no test of the runner counts as one. */
  check(name: string, good: boolean): void {
    this.#counts.tests++;
    this.#counts[good ? "pass" : "fail"]++;
    if (!good) this.#failures.push(`${name}: see above`);
  }

  /** Follows one run to its end. */
  async follow(stream: TestsStream): Promise<void> {
    const marks = new Marks();
    stream.on("test:pass", ({ name, skip, file, details }) => {
      if (skip === undefined) return marks.add(details.type === "suite" ? "" : ".");
      marks.add("s");
      const why = typeof skip === "string" && skip !== "" ? skip : "no reason given";
      this.#skips.set(why, [...(this.#skips.get(why) ?? []), `${place(file)}: ${name}`]);
    });
    stream.on("test:fail", ({ name, file, details }) => {
      const { error } = details;
      const cause = error.cause instanceof Error ? error.cause : error;
      // A parent that failed because of a child says nothing of its own.
      if ((error as { failureType?: string }).failureType === "subtestsFailed") return;
      marks.add("F");
      marks.end();
      const text = `${place(file)}: ${name}\n${indented(cause.stack ?? String(cause))}`;
      console.log(text);
      this.#failures.push(text);
    });
    stream.on("test:stdout", ({ file, message }) => {
      marks.end();
      process.stdout.write(message.replace(/^(?=.)/gm, `${place(file)}| `));
    });
    stream.on("test:stderr", ({ file, message }) => {
      marks.end();
      process.stdout.write(message.replace(/^(?=.)/gm, `${place(file)}! `));
    });
    stream.on("test:diagnostic", ({ file, message }) => {
      if (file === undefined) return; // a summary of what close() sums up
      marks.end();
      console.log(`${place(file)}: ${message}`);
    });
    stream.on("test:coverage", ({ summary }) => {
      marks.end();
      console.log(coverageTable(summary.files));
    });
    stream.on("test:summary", ({ counts, file }) => {
      if (file !== undefined) return;
      this.#counts.tests += counts.tests;
      this.#counts.suites += counts.suites;
      this.#counts.pass += counts.passed;
      this.#counts.fail += counts.tests - counts.passed - counts.skipped - counts.todo - counts.cancelled;
      this.#counts.cancelled += counts.cancelled;
      this.#counts.skipped += counts.skipped;
      this.#counts.todo += counts.todo;
    });
    for await (const _ of stream); // the listeners do the work
    marks.end();
  }

  /** Says how it all went. Returns the exit code. */
  close(seconds: number): number {
    const total = [...this.#skips.values()].flat().length;
    if (total > 0) console.log(`\n== ${total} skipped`);
    for (const [why, names] of this.#skips) {
      console.log(`${why} (${names.length}):`);
      for (const [file, listed] of byFile(names)) console.log(`  ${file}: ${listed.join(", ")}`);
    }
    if (this.#failures.length > 0) console.log(`\n== ${this.#failures.length} failed`);
    for (const text of this.#failures) console.log(text);
    console.log("");
    for (const [name, count] of Object.entries(this.#counts)) console.log(`# ${name} ${count}`);
    console.log(`# duration_ms ${(seconds * 1000).toFixed(0)}`);
    const { fail, cancelled } = this.#counts;
    return fail + cancelled + this.#failures.length === 0 ? 0 : 1;
  }
}

/** One mark for each test, in rows. */
class Marks {
  #column = 0;

  add(mark: string): void {
    process.stdout.write(mark);
    this.#column += mark.length;
    if (this.#column >= 100) this.end();
  }

  end(): void {
    if (this.#column > 0) process.stdout.write("\n");
    this.#column = 0;
  }
}

const place = (file: string | undefined) => (file === undefined ? "?" : relative(root, file));
const indented = (text: string) => text.replace(/^/gm, "  ");

function byFile(names: readonly string[]): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const name of names) {
    const at = name.indexOf(": ");
    const file = name.slice(0, at);
    files.set(file, [...(files.get(file) ?? []), name.slice(at + 2)]);
  }
  return files;
}

interface Covered {
  readonly path: string;
  readonly totalLineCount: number;
  readonly coveredLineCount: number;
  readonly totalBranchCount: number;
  readonly coveredBranchCount: number;
}

/** Lines and branches that unit tests reach, by folder. */
function coverageTable(files: readonly Covered[]): string {
  const folders = new Map<string, Covered[]>();
  for (const file of files) {
    const folder = relative(root, file.path).split("/").slice(0, -1).slice(0, 3).join("/");
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  const row = (name: string, of: readonly Covered[]) => {
    const sum = (key: Exclude<keyof Covered, "path">) => of.reduce((total, file) => total + file[key], 0);
    const percent = (covered: number, all: number) =>
      `${(all === 0 ? 100 : (100 * covered) / all).toFixed(0)}%`.padStart(6);
    const lines = percent(sum("coveredLineCount"), sum("totalLineCount"));
    const branches = percent(sum("coveredBranchCount"), sum("totalBranchCount"));
    return `${name.padEnd(36)}${lines}${branches}`;
  };
  const rows = [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, of]) => row(name, of));
  return ["coverage by unit tests               lines branches", ...rows, row("all", files)].join("\n");
}
