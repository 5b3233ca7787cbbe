import { hostname } from "node:os";
import { hostNameFrom, isHostName } from "../../system/home/control-files.ts";
import { thisInstallation } from "../../system/home/installation.ts";
import { CannotMake, type Made, makeHome } from "../../system/home/make.ts";
import { defaultPortBase } from "../../system/home/run-scripts.ts";
import { homeFolder, rootsHome } from "./default-home.ts";
import { type Command, exit, Misused, numberOf, onlyWord, Problem, parse, type Verb } from "./verb.ts";

/** A ready home folder: control files, users, run scripts, certificate. */
export const init: Verb = {
  synopsis: "[DIR] [--host NAME] [--port-base N] [--bind ADDR] [--json]",
  does: "Makes a home folder that is ready to run, or completes one. What is there stays as it is.",
  get options() {
    return homeOptionsHelp;
  },
  run,
};

/** The options of a new home, which `up` takes as well. */
export const homeOptions = {
  host: { type: "string" },
  "port-base": { type: "string" },
  bind: { type: "string" },
  json: { type: "boolean" },
} as const;

/** What --help says of them. */
export const homeOptionsHelp: ReadonlyMap<string, string> = new Map([
  ["DIR", `the home folder; else the one in ACCEPTUTILS_HOME, else ./home (root: or ${rootsHome})`],
  ["--host NAME", "what the service calls itself, and its users are at; else the machine's name"],
  [
    "--port-base N",
    `ports N+525 SMTP, N+587 and N+465 submission, N+110 and N+995 POP3; else ${defaultPortBase}`,
  ],
  ["--bind ADDR", "the address to listen on, 0 for all; else 127.0.0.1"],
  ["--json", "the answer as one line of JSON, for scripts"],
]);

/** What the options say of a new home. */
export interface HomeWords {
  readonly host?: string | undefined;
  readonly "port-base"?: string | undefined;
  readonly bind?: string | undefined;
}

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: homeOptions,
  });
  const home = homeFolder(positionals.length > 0 ? onlyWord(positionals, "DIR") : undefined, command);
  const { made, users } = await makeNamed(home, values);
  if (values.json) {
    await command.json({ home, made, users });
    return exit.fine;
  }
  await command.say(made ? `${home} is ready` : `${home} was ready; nothing to do`);
  for (const { name, password } of users) await command.say(`  ${name}  password ${password}`);
  if (users.length > 0) await command.say("The passwords are shown this once.");
  return exit.fine;
}

/** What a new home is like, by its options. Throws Misused. */
export function newHome(words: HomeWords): { host: string; bind: string; portBase: number } {
  const { host = hostNameFrom(hostname()), bind = "127.0.0.1" } = words;
  if (!isHostName(host) || !host.includes(".")) {
    throw new Misused(`--host wants a whole host name such as mail.example.org, not "${host}"`);
  }
  if (!isAddress(bind)) throw new Misused(`--bind wants an address, or 0 for all, not "${bind}"`);
  return { host, bind, portBase: portBaseOf(words) };
}

/** Makes the home that the options describe. Throws Misused and Problem. */
export async function makeNamed(home: string, words: HomeWords): Promise<Made> {
  try {
    return await makeHome({ home, ...newHome(words), installation: await thisInstallation() });
  } catch (error) {
    if (error instanceof CannotMake) throw new Problem(error.message);
    throw error;
  }
}

/** --port-base; the highest service is 995 above it. Throws Misused. */
export function portBaseOf(words: HomeWords): number {
  return numberOf("port-base", words["port-base"] ?? String(defaultPortBase), 0, 65_535 - 995);
}

/** What --bind may say: an address, or 0 for all of them. */
export const isAddress = (text: string) => /^(0|:0|[0-9a-f.:]+)$/i.test(text);
