/** What bench/fixsmtpio.ts finds, in a process of its own. It is asked once a round for all rows. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "../../tools/steps.ts";
import { Failed } from "./sample.ts";

interface Found {
  readonly name: string;
  readonly value: number;
}

const found: (readonly Found[])[] = [];

/** One of its figures by name. Throws Failed. */
export function fixsmtpioFigure(name: string, round: number): number | undefined {
  found[round] ??= measure();
  return found[round].find((figure) => figure.name === name)?.value;
}

function measure(): readonly Found[] {
  const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning"];
  const words = [...flags, join(root, "bench", "fixsmtpio.ts"), "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 120_000 });
  if (!stdout.startsWith("[")) throw new Failed(stderr.trim() || "bench/fixsmtpio.ts fell over");
  return JSON.parse(stdout) as readonly Found[];
}
