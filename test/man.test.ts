import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { verbs } from "../src/programs/acceptutils/main.ts";
import { programNames } from "../src/programs/table.ts";

const root = dirname(import.meta.dirname);
const man = join(root, "man");
const pages = readdirSync(man).filter((name) => /\.[1-8]$/.test(name));
const noMandoc = spawnSync("mandoc", ["-V"]).error === undefined ? false : "mandoc is not installed";

/** The sections a postmaster expects, in this order; a page may leave some out. */
const sections = [
  "NAME",
  "SYNOPSIS",
  "DESCRIPTION",
  "OPTIONS",
  "ENVIRONMENT",
  "CONTROL FILES",
  "EXIT CODES",
  "DIAGNOSTICS",
  "EXAMPLES",
  "SECURITY",
  "SEE ALSO",
];

function mandoc(...words: string[]): string {
  const { stdout } = spawnSync("mandoc", words, { encoding: "utf8" });
  return stdout.replace(/.\x08/g, ""); // no overstriking
}

/** The lines of a section, without indentation. */
function section(page: string, name: string): string[] {
  const text = mandoc("-Tascii", "-Owidth=400", join(man, page));
  const [, body = ""] = new RegExp(`^${name}\n((?: .*\n|\n)*)`, "m").exec(text) ?? [];
  return body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** acceptutils is below; rblsmtpd prints the original's line, to the byte, and it was not true of the original. */
const otherwise = new Set(["acceptutils", "rblsmtpd"]);

/** A usage line and a SYNOPSIS say the same in two hands; "prog" may have arguments in either. */
function plain(words: string): string {
  return words
    .replace(/\[\s*arg \.\.\.\s*\]/, "")
    .replace(/[<>]/g, "")
    .replace(/\s*([|[\]])\s*/g, "$1")
    .trim();
}

for (const page of pages) {
  const [name = ""] = page.split(".");

  test(`${page} parses, without a warning`, { skip: noMandoc }, () => {
    const warnings = mandoc("-Tlint", "-Wwarning", join(man, page)).split("\n");
    // BSD's order of sections is another than ours.
    assert.deepEqual(
      warnings.filter((line) => line !== "" && !line.includes("out of conventional order")),
      [],
    );
  });

  test(`${page} has its sections in order`, { skip: noMandoc }, () => {
    const titles: string[] = [...(mandoc("-Tascii", join(man, page)).match(/^[A-Z][A-Z ]*$/gm) ?? [])];
    const known = titles.filter((title) => sections.includes(title)); // a page may have others between
    assert.deepEqual(
      known,
      sections.filter((title) => titles.includes(title)),
    );
    assert.ok(titles.includes("SYNOPSIS") || page.endsWith(".5"));
  });

  test(`${page}: OPTIONS tells of every letter of SYNOPSIS`, { skip: noMandoc }, () => {
    const told = section(page, "OPTIONS").join("\n");
    if (told.startsWith("As in ") || !/^-/m.test(told)) return; // its options are told elsewhere
    const letters = [
      ...section(page, "SYNOPSIS")
        .join(" ")
        .matchAll(/\[-([A-Za-z0-9]+)/g),
    ].flatMap(([, run]) => [...run!]);
    const missing = letters.filter((letter) => !new RegExp(`(^|[ ,])-${letter}\\b`, "m").test(told));
    assert.deepEqual(missing, []);
  });

  if (programNames.includes(name) && !otherwise.has(name)) {
    test(`${page}: SYNOPSIS is the usage line`, { skip: noMandoc }, () => {
      const { stderr } = spawnSync(process.execPath, [join(root, "src", "main.ts"), name], {
        input: "",
        encoding: "utf8",
        timeout: 10_000,
      });
      const [, usage] = /: usage: (.*)/.exec(stderr) ?? [];
      if (usage === undefined) return; // it takes no arguments, or can do without
      assert.equal(plain(section(page, "SYNOPSIS").join(" ")), plain(usage));
    });
  }
}

test("acceptutils.8: SYNOPSIS is what the verbs say of themselves", { skip: noMandoc }, () => {
  assert.deepEqual(
    section("acceptutils.8", "SYNOPSIS").sort(),
    [...verbs]
      .map(([name, { synopsis }]) =>
        `acceptutils ${name} ${synopsis.replace("…", "...")}`.replace(/ +/g, " "),
      )
      .sort(),
  );
});
