/** Accepts connections and runs the rest of its command line for each; sslserver with TLS when it is asked for. */
import { networkInterfaces } from "node:os";
import { dieAs, listen, listenAgain, listenOn } from "../../system/listen.ts";
import { hasMaster, takeListening } from "../../system/resident/master.ts";
import { serve } from "../../system/resident/serve.ts";
import { takeInheritance, tellReady } from "../../system/resident/successor.ts";
import type { Input, Program, System } from "../../system/system.ts";
import { takeActivated, takeNotifier } from "../../system/systemd.ts";
import { missingWord } from "./missing-word.ts";
import { type Dialect, Misused, type Options, parseOptions, sslserver } from "./options.ts";
import { serviceOf } from "./service-of.ts";

export const exit = { misused: 100, temporary: 111 };

/** Serves until SIGTERM. Resolves to the exit code: 100 misused, 111 cannot serve, 0 after SIGTERM. */
export const serverOf =
  (dialect: Dialect): Program =>
  async (words, system) => {
    const { server, usage } = dialect;
    let options: Options;
    try {
      options = parseOptions(words, dialect, Object.keys(networkInterfaces()));
    } catch (error) {
      if (!(error instanceof Misused)) throw error;
      if (error.message !== "") system.log(`${server}: ${error.message}`);
      system.log(usage);
      return exit.misused;
    }
    try {
      const inheritance = takeInheritance(system.env);
      const activated = takeActivated(system.env, process.pid) ?? inheritance?.listening;
      const notify = takeNotifier(system.env);
      const service = serviceOf(options, dialect, system);
      // Alone it is as the originals are: each client meets what is missing, until it is there.
      const missing = hasMaster(system.env)
        ? missingWord(service.argv, service.env["PATH"], service.cwd)
        : undefined;
      if (missing !== undefined) throw missing;
      const password = options.keyPassword ? await passwordOn(system.input(3)) : undefined;
      const place = { ...options, family: familyOf(options) };
      const before = takeListening(system.env);
      const listening =
        activated !== undefined
          ? await listenOn(activated)
          : before !== undefined
            ? await listenAgain(before, place)
            : await listen(place);
      if (options.verbosity > 1) for (const line of startLines(server, system)) system.log(line);
      const ready = async () => {
        notify();
        if (inheritance !== undefined) tellReady(inheritance);
        if (!options.printPort) return;
        await system.output(1).write(Buffer.from(`${listening.port}\n`));
        system.output(1).close();
      };
      return await serve({ ...service, port: listening.port }, { ...listening, password, ready }, system);
    } catch (error) {
      system.log(`${server}: fatal: ${dieAs(error)}`);
      return exit.temporary;
    }
  };

/** What TLS is made of, as ucspi-ssl says it when it starts. */
function startLines(server: string, { env, pid }: System): readonly string[] {
  if (server !== "sslserver") return [];
  const told = [
    ["cafile", "CAFILE"],
    ["ccafile", "CCAFILE"],
    ["cadir", "CADIR"],
    ["chainfile", "CERTCHAINFILE"],
    ["cert", "CERTFILE"],
    ["key", "KEYFILE"],
    ["param", "DHFILE"],
  ] as const;
  const set = told.filter(([, variable]) => (env.get(variable) ?? "") !== "");
  return set.map(([word, variable]) => `${server}: ${word} ${pid} ${env.get(variable)}`);
}

/** sslserver(8) */
export const main = serverOf(sslserver);

const familyOf = ({ four, six }: Options): 4 | 6 | undefined => (four === six ? undefined : four ? 4 : 6);

/** The password of the keys: all octets up to a NUL or the end. */
async function passwordOn(input: Input): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await input.read();
    if (chunk !== null) chunks.push(chunk);
    if (chunk !== null && !chunk.includes(0)) continue;
    input.close();
    const all = Buffer.concat(chunks);
    for (const part of chunks) part.fill(0);
    const end = all.indexOf(0);
    return end < 0 ? all : all.subarray(0, end);
  }
}
