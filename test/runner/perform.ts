/** Plays a case: says what the script says, and writes down what is seen, in the words of the golden files. */
import { setTimeout as later } from "node:timers/promises";
import type { Case, Outcome, Step } from "./case.ts";
import { fits } from "./compare.ts";
import { type DnsServer, serveDns } from "./dns.ts";
import { type Folder, makeFolder, readFiles, readRuns, removeFolder } from "./folder.ts";
import type { Host, Playing } from "./host.ts";
import type { Family } from "./idle.ts";
import type { Line } from "./line.ts";

/** How much of the processor a program may use over one thing before it counts as busy for ever. */
const busySeconds = 5;
/**
 * How often we look again for what should come from processes that seem to be at rest, and how long we wait between.
 * Rounds, not a time of day: on a busy machine all of that may be gone before the processes have come to rest.
 */
const graceRounds = 300;
const roundMs = 5;

/** Resolves when something is seen that should come, and the processes are at rest; false when they never are. */
async function seen(
  family: Pick<Family, "rest">,
  comes: () => boolean,
  rounds = graceRounds,
): Promise<boolean> {
  for (let left = rounds; ; left--) {
    if (!(await family.rest(busySeconds))) return false;
    if (comes() || left === 0) return true;
    await later(roundMs);
  }
}

/** Plays `script` against the program of a case. */
export async function perform(host: Host, played: Case, script: readonly Step[]): Promise<Outcome> {
  const dns = played.dns === undefined ? undefined : await serveDns(played.dns);
  const folder = makeFolder(asking(played, dns));
  try {
    const playing = await host.start(played, folder);
    try {
      const steps = await new Player(playing).play(script);
      return { steps, ...(await ending(playing, played, folder)) };
    } finally {
      await playing.stop();
    }
  } finally {
    dns?.close();
    removeFolder(folder);
  }
}

/** The case with its own DNS server, if it brings one. */
const asking = (played: Case, dns: DnsServer | undefined): Case =>
  dns === undefined ? played : { ...played, env: { ...played.env, ACCEPTUTILS_DNS: dns.address } };

const isSeen = (step: Step | undefined) =>
  step !== undefined && ("expect" in step || "eof" in step || "busy" in step);

/** The client's side of a script. */
export class Player {
  readonly #seen: Step[] = [];
  readonly #playing: Playing;
  #line: Line | undefined;
  #ended = false;

  constructor(playing: Playing) {
    this.#playing = playing;
    this.#line = playing.client;
  }

  async play(script: readonly Step[]): Promise<Step[]> {
    if (this.#line === undefined) return [];
    if (isSeen(script[0])) await this.#listen(script);
    for (const [at, step] of script.entries()) {
      if (isSeen(step)) continue;
      await this.#act(step);
      // Two acts in a row happen in one breath.
      if (isSeen(script[at + 1])) await this.#listen(script.slice(at + 1));
    }
    return this.#seen;
  }

  /** Writes down all that arrives until every process is at rest. */
  async #listen(script: readonly Step[]): Promise<void> {
    const next = script.findIndex((step) => !isSeen(step));
    const wanted = script.slice(0, next < 0 ? script.length : next);
    const text = wanted.map((step) => ("expect" in step ? step.expect : "")).join("");
    const end = this.#ended || wanted.some((step) => "eof" in step);
    const line = this.#line!;
    const calm = await seen(
      this.#playing.family,
      () => !line.speaking && line.ended === end && fits(line.heard, text),
    );
    const heard = this.#line!.take();
    const ended = this.#line!.ended && !this.#ended;
    if (heard !== "" || (!ended && !this.#ended)) this.#seen.push({ expect: heard });
    if (ended) this.#seen.push({ eof: true });
    if (!calm) this.#seen.push({ busy: true });
    this.#ended ||= ended;
  }

  async #act(step: Step): Promise<void> {
    const line = this.#line!;
    if ("send" in step) {
      line.say(step.send);
      this.#seen.push(this.#ended ? { send: step.send, accepted: 0 } : { send: step.send });
      return;
    }
    if ("tls" in step) return this.#startTls(step);
    if ("starttls" in step) return this.#secure(step);
    this.#seen.push(step);
    if ("send_repeat" in step) {
      const { text, count, then = "" } = step.send_repeat;
      line.say(text.repeat(count) + then);
    } else if ("wait_ms" in step) await later(step.wait_ms);
    else if ("shutdown" in step) line.shutdown();
    else if ("close" in step) line.close();
  }

  /** A real handshake, with the protocol and cipher that were recorded. */
  async #secure(step: Extract<Step, { starttls: true }>): Promise<void> {
    const secured = await this.#playing.secure?.(step.protocol, step.cipher);
    this.#seen.push({
      starttls: true,
      protocol: secured?.protocol ?? "none",
      cipher: secured?.cipher ?? "none",
    });
    if (secured !== undefined) this.#line = secured.line;
  }

  async #startTls(step: Extract<Step, { tls: true }>): Promise<void> {
    const { tls, family } = this.#playing;
    await seen(family, () => Boolean(tls?.control()?.heard));
    const control = tls?.control();
    const asked = control?.take() ?? "";
    if (step.control_close) {
      control?.close();
      this.#seen.push({ tls: true, control_read: asked, control_close: true });
      return;
    }
    control?.say(step.env_block ?? "");
    await seen(family, () => tls?.inside() !== undefined);
    this.#seen.push({ tls: true, control_read: asked, env_block: step.env_block ?? "" });
    const inside = tls?.inside();
    if (inside === undefined) return;
    // Whatever else is said in clear now was said too much.
    const clear = this.#line?.take() ?? "";
    if (clear !== "") this.#seen.push({ expect: clear });
    this.#line = inside;
  }
}

async function ending(playing: Playing, played: Case, folder: Folder): Promise<Omit<Outcome, "steps">> {
  const rounds = played.state === undefined ? 3 * graceRounds : graceRounds / 3;
  await seen(playing.family, () => playing.ended() !== undefined, rounds);
  const ended = playing.ended();
  const runs = readRuns(folder);
  const after =
    "files" in played && played.files_after !== undefined ? readFiles(folder, "Maildir") : undefined;
  return {
    ...(ended === undefined
      ? { exit: null, state: "running" }
      : "signal" in ended
        ? { exit: null, signal: ended.signal }
        : { exit: ended.code }),
    stderr: playing.log(),
    ...(runs.length > 0 || played.child_runs !== undefined ? { child_runs: runs } : {}),
    ...(after === undefined ? {} : { files_after: after }),
  };
}
