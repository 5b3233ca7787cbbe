/**
 * TLS for one connection: it carries what is inside TLS between the client, on 0 and 1, and a program on two other
 * descriptors. s6-tlsd and s6-ucspitlsd start it; it is the only process of theirs that reads a key.
 */
import { commandOf } from "../../protocol/ucspi-tls/block.ts";
import { s6TlsLog, unknownCommand } from "../../protocol/ucspi-tls/s6-tls-log.ts";
import type { CertificateFiles } from "../../system/resident/service.ts";
import type { System } from "../../system/system.ts";
import { KeyTrouble, prepareTls, type ReadyTls } from "../../system/tls-process.ts";
import { Misused } from "../getopt.ts";
import { certificateOf } from "./certificate.ts";
import { ioLetters, type TlsOptions, tlsOptions } from "./options.ts";

/** `keys`: key, certificate or authorities. `failed`: the handshake, or the end of the session. */
export const exit = { keys: 96, failed: 98, misused: 100, temporary: 111 };

const usage =
  "s6-tlsd-io: usage: s6-tlsd-io [ -S | -s ] [ -J | -j ] [ -Y | -y ] [ -v verbosity ] [ -K kimeout ] [ -k snilevel ] [ -d notif ] fdr fdw";

/** Before the name of the program that offers TLS: wait on descriptor 3 until it is wanted. */
export const onDemand = "--on-demand";

/** The descriptors of System.offerTls. */
const control = 3;
const given = ["4", "5"];

/** s6-tlsd-io(8) */
export async function main(words: readonly string[], system: System): Promise<number> {
  const [first, offering] = words;
  if (first === onDemand) return serveOnDemand(offering ?? "", words.slice(2), system);
  const options = optionsOf(words, system);
  if (options === undefined) return exit.misused;
  const ready = prepared(options, system);
  return ready instanceof KeyTrouble
    ? complain(ready, system)
    : serve(ready, options, options.notify, system);
}

function optionsOf(words: readonly string[], system: System): TlsOptions | undefined {
  try {
    const options = tlsOptions(words, ioLetters);
    if (options.rest.length >= 2 && options.rest.slice(0, 2).every((word) => /^[0-9]{1,6}$/.test(word)))
      return options;
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    system.log(`s6-tlsd-io: ${error.message}`);
  }
  system.log(usage);
  return undefined;
}

/**
 * The key is read and privileges are given up before a byte of the client's is looked at. What is wrong with the key
 * is said when TLS is wanted.
 */
async function serveOnDemand(offering: string, words: readonly string[], system: System): Promise<number> {
  const options = tlsOptions([...words, ...given], ioLetters);
  const ready = prepared(options, system);
  const { secured, notSecured } = s6TlsLog(offering === "s6-tlsd" ? "s6-tlsd" : "s6-ucspitlsd");
  const log = (lines: ReturnType<typeof notSecured>) => {
    for (const [from, text] of lines) if (options.verbosity >= from) system.log(text);
  };
  const command = system.input(control);
  const bytes = await command.read();
  if (bytes === null) {
    if (options.verbosity >= 2)
      system.log(`s6-ucspitlsd: info: pid ${system.parentPid} declined opportunistic TLS`);
    return 0;
  }
  const asked = commandOf(bytes);
  if (asked === undefined) {
    log(notSecured(unknownCommand));
    return exit.misused;
  }
  log(secured(system.parentPid, ""));
  if (asked === "start") command.close();
  if (ready instanceof KeyTrouble) return complain(ready, system);
  return serve(ready, options, asked === "start" ? undefined : control, system);
}

function prepared(options: TlsOptions, system: System): ReadyTls | KeyTrouble {
  let files: CertificateFiles;
  try {
    files = certificateOf(options, system.env);
  } catch (error) {
    return new KeyTrouble((error as Error).message);
  }
  return prepareTls(files, system.home());
}

function complain(trouble: KeyTrouble, system: System): number {
  system.log(`s6-tlsd-io: fatal: ${trouble.message}`);
  return exit.keys;
}

async function serve(
  ready: ReadyTls,
  { handshakeSeconds, rest }: TlsOptions,
  notify: number | undefined,
  system: System,
): Promise<number> {
  const [said, heard] = rest.map(Number);
  try {
    const seconds = handshakeSeconds;
    await ready.serve({ said: said!, heard: heard!, notify, seconds });
    return 0;
  } catch (error) {
    system.log(`s6-tlsd-io: fatal: ${(error as Error).message}`);
    return exit.failed;
  }
}
