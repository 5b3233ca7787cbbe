/** The built program: one file of parts, and the first file that loads them. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Script } from "node:vm";
import { bundle, partsOfBundle } from "../tools/bundle.ts";
import { partsFile } from "../tools/parts.ts";
import { root } from "../tools/steps.ts";

const folder = mkdtempSync(join(tmpdir(), "parts-"));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, "acceptutils.parts");
copyFileSync(join(root, "tools", "app.cjs"), join(folder, "app.cjs"));

/** What the program says on standard output. */
function run(modules: Readonly<Record<string, string>>, ...flags: readonly string[]): string {
  const list = Object.entries(modules).map(([name, text]) => ({ name, text }));
  writeFileSync(file, partsFile(file, list));
  return execFileSync(process.execPath, [...flags, join(folder, "app.cjs")], { encoding: "utf8" });
}

const greeting = `import {
  sep as separator
} from "node:path";
import {
  name
} from "./chunk-A.js";

// src/greeting.ts
var greet = () => separator + name;

export {
  greet as hello,
  name
};
`;
const modules = {
  "main.js": `import "./chunk-A.js";
import { name } from "./chunk-A.js";
void import("./greeting.js").then(({ hello }) => console.log(hello(), name));
`,
  "greeting.js": greeting,
  "chunk-A.js": `var name = "caf\u00e9";\n\nexport {\n  name\n};\n`,
};

test("a part is loaded with what it imports, and one that is imported later, then", () => {
  assert.equal(run(modules), "/caf\u00e9 caf\u00e9\n");
});

test("code that was compiled for other flags is compiled again", () => {
  assert.equal(run(modules, "--no-opt"), "/caf\u00e9 caf\u00e9\n");
});

test("a trace names the line in the file", () => {
  const bug = `function bug() {\n  return new Error("bug").stack;\n}\nconsole.log(bug());\n`;
  const [, where] = run({ ...modules, "main.js": `${bug}` }).split("\n");
  assert.equal(where, `    at bug (${file}:3:10)`);
  const later = `import { bug } from "./bug.js";\nconsole.log(bug());\n`;
  const said = run({ "main.js": later, "bug.js": `${bug.replace(/console.*/, "")}export { bug };\n` });
  const line = Number(/parts:(\d+):10/.exec(said)?.[1]);
  assert.match(readFileSync(file, "latin1").split("\n")[line - 1] ?? "", /new Error/);
});

test("what is written otherwise is no part", () => {
  const text = `export const a = 1;\n`;
  assert.throws(() => partsFile(file, [{ name: "a.js", text }]), { message: "a.js: export const a = 1;" });
});

test("without its parts a program has failed for now, and says so in a line", () => {
  for (const content of [undefined, "", "short", "x".repeat(100), `${"x".repeat(92)}00000200`]) {
    rmSync(file, { force: true });
    if (content !== undefined) writeFileSync(file, content);
    const { status, stderr } = spawnSync(process.execPath, [join(folder, "app.cjs")], { encoding: "utf8" });
    assert.equal(status, 111, stderr);
    assert.match(stderr, /^acceptutils: unable to read .*acceptutils\.parts: .*; install it again\n$/);
  }
});

test("the program names its parts after what is in them: another build is never written over them", () => {
  const parts = readFileSync(partsOfBundle()!);
  const sum = createHash("sha256").update(parts).digest("hex").slice(0, 12);
  assert.match(readFileSync(bundle, "latin1"), new RegExp(`/acceptutils-${sum}\\.parts`));
});

test("this Node.js takes the code of all parts of the program as it is", () => {
  const built = readFileSync(partsOfBundle()!);
  const end = built.length - 8;
  const index: Record<string, { source: [number, number]; code: [number, number] }> = JSON.parse(
    built.toString("latin1", end - Number(built.toString("latin1", end)), end),
  );
  const slice = ([at, octets]: [number, number]) => built.subarray(at, at + octets);
  const rejected = Object.entries(index).filter(([, { source, code }]) => {
    return new Script(slice(source).toString("latin1"), { cachedData: slice(code) }).cachedDataRejected;
  });
  assert.deepEqual(rejected, []);
});
