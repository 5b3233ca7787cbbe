/** Programs of ours in C: compiled where they are needed, by the machine's own compiler. */
import { spawnSync } from "node:child_process";

/** What compiling takes and this machine lacks; undefined when all is there. */
export function noCompiler(): string | undefined {
  const { status } = spawnSync("gcc", ["-E", "-include", "openssl/ssl.h", "-x", "c", "/dev/null"]);
  return status === 0 ? undefined : "needs gcc and OpenSSL's headers: bench/setup installs them";
}

const openssl = ["-lssl", "-lcrypto"];

/** Compiles `sources` to `program`, with OpenSSL at hand. Throws with the compiler's words. */
export function compile(program: string, sources: readonly string[], flags: readonly string[] = []): void {
  const { status, stderr, error } = spawnSync("gcc", [
    "-std=gnu11",
    "-O2",
    ...flags,
    "-o",
    program,
    ...sources,
    ...openssl,
  ]);
  if (status !== 0)
    throw new Error(`${program} does not compile: ${error?.message ?? stderr.toString().slice(-200)}`);
}
