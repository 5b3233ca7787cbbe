/** A log whose reader is behind, on a pipe that does not wait: no line is lost or cut. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./runner/case.ts";

test("lines wait for a slow reader, in order and whole", async () => {
  const program = `
    import { setNonBlocking } from ${JSON.stringify(join(root, "src/system/native.ts"))};
    import { lineOf, writeLog } from ${JSON.stringify(join(root, "src/system/log-line.ts"))};
    setNonBlocking(2);
    for (let line = 0; line < 20000; line++) writeLog(lineOf("line " + line));
    process.stdout.write("written");`;
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "--eval", program],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  await once(child.stdout, "data"); // by then the pipe has been full for long
  let log = "";
  for await (const chunk of child.stderr) log += chunk;
  const lines = log.split("\n").filter((line) => line.startsWith("line"));
  assert.equal(lines.length, 20_000);
  assert.equal(
    lines.findIndex((line, at) => line !== `line ${at}`),
    -1,
  );
});
