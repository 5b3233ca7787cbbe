/** What s6-tlsd and s6-ucspitlsd have in common: somebody speaks TLS beside the next program. */
import { CannotRun, type System } from "../../system/system.ts";
import { Misused } from "../getopt.ts";
import { forgetCertificate } from "../s6-tlsd-io/certificate.ts";
import { onDemand } from "../s6-tlsd-io/main.ts";
import { offerLetters, type TlsOptions, tlsOptions } from "../s6-tlsd-io/options.ts";

export const exit = { misused: 100, temporary: 111 };

export type Offering = "s6-tlsd" | "s6-ucspitlsd";

const usage = (name: Offering) =>
  `${name}: usage: ${name} [ -S | -s ] [ -J | -j ] [ -Y | -y ] [ -Z | -z ] [ -v verbosity ] [ -K kimeout ] [ -k snilevel ] prog...`;

/** The options, or the exit code of who was misused. */
export function optionsOf(name: Offering, words: readonly string[], system: System): TlsOptions | number {
  try {
    const options = tlsOptions(words, offerLetters);
    if (options.rest.length > 0) return options;
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    system.log(`${name}: ${error.message}`);
  }
  system.log(usage(name));
  return exit.misused;
}

/**
 * Becomes the next program, after `first` was done with TLS; its exit code, when it has one, is the end. It is told how
 * to learn that of whoever speaks TLS.
 */
export async function offer(
  name: Offering,
  { passedOn, clean, rest }: TlsOptions,
  system: System,
  first: (monitor: () => Promise<number>) => Promise<number | undefined> = async () => undefined,
): Promise<number> {
  try {
    const monitor = await system.offerTls(["s6-tlsd-io", onDemand, name, ...passedOn]);
    if (clean) forgetCertificate(system.env);
    return (await first(monitor)) ?? (await system.exec(rest));
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    system.log(`${name}: fatal: ${error.message}`);
    return exit.temporary;
  }
}
