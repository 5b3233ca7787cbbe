import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { programNames } from "../src/programs/table.ts";
import { departures, rules } from "./golden/departures.ts";

const root = dirname(import.meta.dirname);
const read = (path: string) => readFileSync(join(root, path), "utf8");
const documents = ["", "docs"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** What `#…` can point to in a document: its headings. */
function anchorsIn(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
}

for (const document of documents) {
  const text = read(document);

  test(`${document}: every link leads somewhere`, () => {
    for (const [link, target = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = target === "" ? document : join(dirname(document), target);
      assert.ok(existsSync(join(root, path)), link);
      if (anchor !== undefined) assert.ok(anchorsIn(read(path)).includes(anchor), link);
    }
  });

  test(`${document}: every file it names is there`, () => {
    const named = text.matchAll(/(?<![\w/])((?:src|…|test|tools|docs|man|examples)\/[\w./-]*)/g);
    for (const [, path = ""] of named) {
      const file = path.replace("…/", "src/protocol/").replace(/\.$/, "");
      assert.ok(existsSync(join(root, file)), file);
    }
  });

  test(`${document}: no line is longer than a terminal that is wide`, () => {
    const long = text.split("\n").filter((line) => line.length > 160 && !line.startsWith("|"));
    assert.deepEqual(long, []);
  });
}

test("every departure from the originals is explained where it says", () => {
  const anchors = anchorsIn(read("docs/specifications.md"));
  assert.equal(new Set(anchors).size, anchors.length, "an anchor is there twice");
  for (const { see } of [...rules, ...Object.values(departures)]) {
    const [, anchor] = /^docs\/specifications\.md(?:#|, )(.+)$/.exec(see) ?? [];
    if (anchor !== undefined) assert.ok(anchors.includes(anchor), see);
    else if (!/^\w[\w-]*\(\d\)$/.test(see)) assert.fail(`"${see}" is no place in our documents`);
  }
});

test("docs/dependencies.md names every package of Debian that the tests want", () => {
  const script = read(".ci/run");
  const lists = [/^packages=\(([^)]*)\)/m, /^for package in ([\w -]+); do$/m].map(
    (list) => list.exec(script)?.[1],
  );
  const named = read("docs/dependencies.md").split(/[^\w-]+/);
  const packages = lists.flatMap((list = "") => list.trim().split(/\s+/));
  assert.ok(packages.length > 15 && packages.includes("nullmailer"), packages.join());
  assert.deepEqual(
    packages.filter((name) => !named.includes(name)),
    [],
  );
});

test("the readme names every program of the chain", () => {
  for (const name of ["sslserver", "authup", "checkpassword", "checknotroot", "fixsmtpio"]) {
    assert.ok(programNames.includes(name));
    assert.ok(read("README.md").includes(name));
  }
});
