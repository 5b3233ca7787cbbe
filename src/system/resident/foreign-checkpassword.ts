/**
 * Someone else's checkpassword, for one login: a process, as authup would run it, with a few words of sh in the place
 * of the next program. They tell what it became; the session then goes on as that, in a worker.
 */
import { type Backend, Unable } from "../../auth/backend.ts";
import {
  type Became,
  isWhole,
  maximumOctets,
  parseBecame,
  tell,
} from "../../protocol/checkpassword/became.ts";
import { formatFields } from "../../protocol/checkpassword/fields.ts";
import { isBackend } from "../backends/table.ts";
import { lookUp } from "../lookup.ts";
import type { Account, Child, Ended, Input, Output } from "../system.ts";
import { startForeign } from "./foreign-child.ts";

/** One login. */
export interface Login {
  /** The checkpassword and all after it. */
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  /** The client's connection, which the process inherits as 0 and 1; undefined: it gets neither. */
  readonly client: number | undefined;
  /** Takes each line of its descriptor 2. */
  log(line: string): void;
  /** Called when the password was right. */
  settle(facts: SettledFacts): void;
}

/** What the login became, and what is to run as that. */
interface Settled extends Became {
  readonly argv: readonly string[];
}

/** The same as plain JSON, for the worker that goes on; text is latin1. */
export interface SettledFacts {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly groups: readonly number[];
}

/** It ended in a way that says nothing about the password: as natively, that is the end authup sees. */
export class EndedOtherwise extends Unable {
  readonly ended: Ended;
  constructor(program: string, ended: Ended) {
    super(`${program} ended with ${"code" in ended ? `exit code ${ended.code}` : ended.signal}`);
    this.ended = ended;
  }
}

/** Seconds until it must have said yes or no. */
const patienceSeconds = 60;

/**
 * Where the words of the next program begin: at the first of ours that is no checkpassword itself, so that a foreign
 * one may have words of its own; where there is none of ours, at the second.
 */
export function nextProgramIn(argv: readonly string[], path: string | undefined, cwd: string): number {
  const at = argv.findIndex((word, index) => {
    if (index === 0) return false;
    try {
      const { ours } = lookUp(word, path, cwd);
      return ours !== undefined && !isBackend(ours);
    } catch {
      return false; // a word that is no program
    }
  });
  return at < 0 ? 1 : at;
}

/** A backend for one question. */
export function foreignCheckpassword(login: Login): Backend {
  return {
    remote: true, // for all we know
    async verify({ user, secret, timestamp }, check) {
      let account: Account | undefined;
      const right = await check(async () => {
        const fields = formatFields({ user, secret, timestamp });
        if (fields === undefined) return false;
        const settled = await run(login, fields);
        if (settled === undefined) return false;
        account = accountOf(login, settled, user);
        const { argv, env, cwd, groups } = settled;
        if (account !== undefined) login.settle({ argv, env: Object.fromEntries(env), cwd, groups });
        return account !== undefined;
      });
      return right ? account : undefined;
    },
  };
}

/** Undefined: a wrong password. Throws EndedOtherwise, Unable, CannotRun. */
async function run(login: Login, fields: Uint8Array): Promise<Settled | undefined> {
  const { argv, env, cwd, client, log } = login;
  const [word = ""] = argv;
  const path = env.get("PATH");
  const next = nextProgramIn(argv, path, cwd);
  const words = [...argv.slice(0, next), "/bin/sh", "-c", tell];
  const descriptor = { fd: client } as Partial<Input & Output>;
  const child = await startForeign({
    path: lookUp(word, path, cwd).path,
    argv: words,
    cwd,
    env,
    wires: { 0: { inherit: true }, 1: { inherit: true }, 3: { bytes: fields }, 4: { fromChild: true } },
    parent: inheritable(client, descriptor),
    log,
  });
  fields.fill(0);
  const late = setTimeout(() => child.kill("SIGKILL"), patienceSeconds * 1000);
  try {
    const [told, ended] = await Promise.all([readTold(child), child.wait()]);
    const became = parseBecame(told);
    if (became !== undefined) return { ...became, argv: argv.slice(next) };
    if (told.length > 0) {
      const guess = argv[next] ?? "nothing";
      throw new Unable(
        `${word} has run ${guess} without having read the password, or has left it no surroundings`,
      );
    }
    if ("code" in ended && ended.code === 1) return undefined;
    throw new EndedOtherwise(word, ended);
  } finally {
    clearTimeout(late);
  }
}

function inheritable(client: number | undefined, end: Partial<Input & Output>) {
  if (client === undefined) return { inputs: [], outputs: [] };
  const output = { ...end, flush: async () => {} };
  return { inputs: [end as Input], outputs: [undefined, output as Output] };
}

/** All that is told; until it is whole, or the end. */
async function readTold(child: Child): Promise<Uint8Array> {
  const input = child.input(4);
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk = await input.read(patienceSeconds).catch(() => null);
    if (chunk === null) return bytes;
    bytes = Buffer.concat([bytes, chunk]);
    if (isWhole(bytes) || bytes.length > maximumOctets) {
      input.close();
      return bytes;
    }
  }
}

/** Undefined for root: nobody gets a session as root from here. Throws Unable for an identity that is not one. */
function accountOf({ argv: [word = ""], log }: Login, settled: Settled, user: string): Account | undefined {
  const { uids, gids, env, cwd } = settled;
  const [uid = 0, gid = 0] = [uids[0], gids[0]];
  if (uids.includes(0)) {
    log(`checkpassword: ${word} went on as root: not served`);
    return undefined;
  }
  const self = process.getuid!();
  if (self !== 0 && uid !== self) throw new Unable(`${word} has become uid ${uid}, which uid ${self} cannot`);
  if (uids.some((each) => each !== uid) || gids.some((each) => each !== gid)) {
    throw new Unable(`${word} has become more than one user: uids ${uids.join(" ")}, gids ${gids.join(" ")}`);
  }
  const text = (latin1: string) => Buffer.from(latin1, "latin1").toString("utf8");
  return {
    user: text(env.get("USER") ?? user),
    uid,
    gid,
    home: text(env.get("HOME") ?? cwd),
    shell: text(env.get("SHELL") ?? ""),
  };
}
