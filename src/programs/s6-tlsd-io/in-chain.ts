/** A program in a server's chain that offers TLS: what it takes is made ready when the server starts. */
import { basename } from "node:path";
import type { CertificateFiles, Service } from "../../system/resident/service.ts";
import { Misused } from "../getopt.ts";
import { programNames } from "../table.ts";
import { certificateOf, forgetCertificate } from "./certificate.ts";
import { offerLetters, tlsOptions } from "./options.ts";

export interface TlsInChain {
  readonly offer: NonNullable<Service["offer"]>;
  readonly certificate: CertificateFiles;
  readonly handshakeSeconds: number;
  /** The environment of the service without what only the program that offers TLS sees. */
  readonly env: ReadonlyMap<string, string>;
}

/**
 * s6-tlsd or s6-ucspitlsd among the words of a chain that begins with a program of ours. What comes after somebody
 * else's program is that one's matter. Throws an Error when a file or variable is missing.
 */
export function tlsInChain(
  argv: readonly string[],
  env: ReadonlyMap<string, string>,
): TlsInChain | undefined {
  const at = argv.findIndex((word) => /^s6-(ucspi)?tlsd$/.test(basename(word)));
  if (at < 0 || !programNames.includes(basename(argv[0]!))) return undefined;
  try {
    const options = tlsOptions(argv.slice(at + 1), offerLetters);
    const program = basename(argv[at]!) === "s6-tlsd" ? "s6-tlsd" : "s6-ucspitlsd";
    const left = new Map(env);
    if (options.clean) forgetCertificate(left);
    return {
      offer: { program, verbosity: options.verbosity },
      certificate: certificateOf(options, env),
      handshakeSeconds: options.handshakeSeconds,
      env: left,
    };
  } catch (error) {
    if (error instanceof Misused) return undefined; // it says so itself, to each client
    throw error;
  }
}
