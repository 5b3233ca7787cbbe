import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

test("npm ci will take the lock file: every optional package that is named in it is in it", () => {
  const path = join(dirname(import.meta.dirname), "package-lock.json");
  const { packages } = JSON.parse(readFileSync(path, "utf8")) as Lock;
  const named = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  assert.deepEqual(
    named.filter((name) => packages[`node_modules/${name}`] === undefined),
    [],
  );
});
