/** Builds what native programs run: build/app.cjs, one bundle for all programs, and build/bin, their launchers. */
import { join } from "node:path";
import { programNames } from "../src/programs/table.ts";
import { writeLaunchers } from "../src/system/launchers.ts";
import { buildIfStale } from "./bundle.ts";

const bundle = await buildIfStale();
writeLaunchers(join(bundle, "..", "bin"), programNames, { node: process.execPath, bundle });
