import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";
import { listUsers } from "../../system/home/edit-users.ts";
import { type HomeFacts, readHome } from "../../system/home/facts.ts";
import { faultsIn, formatFault } from "../../system/home/faults.ts";
import { thisInstallation } from "../../system/home/installation.ts";
import { LogFile } from "../../system/home/log-file.ts";
import { accountsOf, isHome, type Made, makeQueue, writePrograms } from "../../system/home/make.ts";
import { longestHome, Occupied, occupy } from "../../system/home/occupancy.ts";
import { reachable, takenOf, takenPort } from "../../system/home/ports.ts";
import { closedFolder, homeFromWithin, openKey } from "../../system/home/reach.ts";
import { OwnScript, readdress } from "../../system/home/readdress.ts";
import { takeNotifier } from "../../system/systemd.ts";
import { resumedVariable } from "../../system/up/guard.ts";
import { StartFailed } from "../../system/up/running.ts";
import { succeeds } from "../../system/up/successor.ts";
import { type Requests, runServices } from "../../system/up/up.ts";
import { homeFolder } from "./default-home.ts";
import {
  type HomeWords,
  homeOptions,
  homeOptionsHelp,
  isAddress,
  makeNamed,
  newHome,
  portBaseOf,
} from "./init.ts";
import { screen, wantsBold } from "./screen.ts";
import { type Command, exit, Misused, Problem, parse, type Verb } from "./verb.ts";

/** Everything at once: what `npm start` runs. */
export const up: Verb = {
  synopsis: "[DIR | --home DIR] [--host NAME] [--port-base N] [--bind ADDR] [--native] [--json]",
  does: "Runs all services of a home folder, which is made first if need be, until Ctrl-C.",
  get options() {
    return new Map([
      ...homeOptionsHelp,
      ["--native", "a process for each connection, in place of sessions in workers"],
    ]);
  },
  run,
};

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: { ...homeOptions, home: { type: "string" }, native: { type: "boolean" } },
  });
  if (positionals.length + (values.home === undefined ? 0 : 1) > 1)
    throw new Misused("which of the folders?");
  const home = homeFolder(positionals[0] ?? values.home, command);
  // Started again after a crash, with clients waiting: what can be made good is, and the rest is for the log.
  const resumed = process.env[resumedVariable] !== undefined;
  // For whoever is started by the same words: the guard, and who takes over.
  process.env["ACCEPTUTILS_STARTED_IN"] = command.path(".");
  if (Buffer.byteLength(home) > longestHome) {
    throw new Problem(`${home} is too long a path for the sockets in it: at most ${longestHome} octets`);
  }
  if (values.native) process.env["ACCEPTUTILS_HOST"] = "native"; // what the servers of the run scripts look at
  const notify = takeNotice();
  const users = isHome(home) ? [] : await makeFor(home, values);
  let shown = false;
  const occupancy = succeeds() ? undefined : await take(home);
  try {
    const facts = await prepare(
      home,
      users.length > 0 || resumed || succeeds() ? {} : values,
      resumed,
      command,
    );
    const taken = resumed || succeeds() ? undefined : await takenPort(facts.services);
    if (taken !== undefined) throw new Problem(taken);
    await serve(facts, async () => {
      shown = true;
      notify();
      // Whoever started us at a terminal has it back: Ctrl-C there reaches us no longer.
      if (resumed) command.note(`running again, as process ${process.pid}: kill ${process.pid} stops it`);
      else if (values.json) await command.json(jsonFacts(facts, users));
      else for (const line of screenOf(facts, users, command)) await command.say(line);
    });
  } finally {
    occupancy?.release();
    // Whatever kept us from starting: nobody will ever be able to tell these again.
    if (!shown) for (const { name, password } of users) command.note(`${name} has the password ${password}`);
  }
  return exit.fine;
}

/** What a service manager wants to be told is for us to say, not for each of our servers. Throws Problem. */
function takeNotice(): () => void {
  const told = new Map(Object.entries(process.env) as [string, string][]);
  try {
    const notify = takeNotifier(told);
    for (const name of Object.keys(process.env)) if (!told.has(name)) delete process.env[name];
    return notify;
  } catch (error) {
    throw new Problem((error as Error).message);
  }
}

/** Makes a home, unless it could not be served: the passwords of its users are shown once, and not beside a refusal. */
async function makeFor(home: string, values: HomeWords): Promise<Made["users"]> {
  const { bind, portBase } = newHome(values);
  const taken = await takenOf(bind, portBase);
  if (taken !== undefined) throw new Problem(taken);
  return (await makeNamed(home, values)).users;
}

/** Brings a home up to date and checks it. Throws Problem and Misused. */
async function prepare(
  home: string,
  words: HomeWords,
  resumed: boolean,
  command: Command,
): Promise<HomeFacts> {
  const installation = await thisInstallation();
  // Programs are loaded before they give root up: the home alone must be within everybody's reach.
  const closed = closedFolder(home);
  if (closed !== undefined) command.note(closed);
  writePrograms(home, installation);
  // A queue that was taken away is empty, as a new one is.
  if (!existsSync(join(home, "queue")) && existsSync(join(home, "users", "accounts"))) {
    makeQueue(home, accountsOf(home).get("qmailq"));
  }
  const path = command.system.env.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
  const faults = faultsIn(home, `${join(home, "bin")}:${path}`).map((fault) => formatFault(home, fault));
  if (faults.length > 0 && !resumed) throw new Problem(faults.join("\nacceptutils: "));
  const open = openKey(home);
  for (const line of open === undefined ? faults : [...faults, open]) command.note(line);
  moveTo(home, words);
  process.chdir(home);
  return readHome(home, installation, path, closed === undefined ? home : homeFromWithin);
}

function moveTo(home: string, words: HomeWords): void {
  if (words.host !== undefined && words.host !== readFileSync(join(home, "control", "me"), "latin1").trim()) {
    throw new Problem(`${home} has another name already: change control/me, locals and rcpthosts in it`);
  }
  if (words.bind !== undefined && !isAddress(words.bind)) {
    throw new Misused(`--bind wants an address, or 0 for all, not "${words.bind}"`);
  }
  const portBase = words["port-base"] === undefined ? undefined : portBaseOf(words);
  try {
    readdress(home, { bind: words.bind, portBase });
  } catch (error) {
    if (error instanceof OwnScript) throw new Problem(error.message);
    throw error;
  }
}

async function take(home: string): Promise<{ release(): void }> {
  try {
    return await occupy(home);
  } catch (error) {
    if (error instanceof Occupied)
      throw new Problem(
        `${error.message}; stop it first, with Ctrl-C where it runs${error.pid === undefined ? "" : `, or kill ${error.pid}`}`,
      );
    // Whatever the system says of the socket, the folder it would be in is what the caller knows.
    if (!existsSync(join(home, "service")))
      throw new Problem(`${home}/service: is missing; acceptutils init makes what is missing`);
    throw error;
  }
}

/** Runs the services until SIGINT or SIGTERM. Throws Problem when one does not come up. */
async function serve(facts: HomeFacts, ready: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const halt = () => {
    if (isatty(2) && !stop.signal.aborted)
      process.stderr.write("\nStopping; sessions have ten seconds to end.\n");
    stop.abort();
  };
  const requests: Requests["requests"] = {};
  const inTerminal = isatty(2);
  process.on("SIGINT", halt).on("SIGTERM", halt);
  process.on("SIGHUP", () => {
    // A terminal that is gone is one no more.
    if (inTerminal && !isatty(2)) halt();
    else requests.reload?.();
  });
  process.on("SIGUSR2", () => requests.upgrade?.());
  process.stderr.on("error", () => {}); // nobody reads the log: no reason to stop serving
  const width = Math.max(...facts.services.map(({ name }) => name.length));
  // In a terminal the screen is for people, and the log goes to a file.
  const file = isatty(2) ? new LogFile(logPath(facts.home)) : undefined;
  let gathered = "";
  /** Lines of one turn are one write. */
  const flush = () => {
    if (gathered !== "") process.stderr.write(gathered, "latin1");
    gathered = "";
  };
  const log = (name: string, text: string) => {
    const line = `${(name || "up").padEnd(width)} ${text}`;
    if (file !== undefined) return file.write(line, Date.now());
    if (gathered === "") setImmediate(flush);
    gathered += line + "\n";
  };
  try {
    await runServices(facts.home, facts.services, {
      ready: () => void ready().catch(() => {}), // nor the screen
      log,
      stop: stop.signal,
      requests,
    });
  } catch (error) {
    if (error instanceof StartFailed) throw new Problem(error.message);
    throw error;
  } finally {
    flush();
  }
}

const logPath = (home: string) => join(home, "log");

function jsonFacts({ home, services }: HomeFacts, users: Made["users"]): unknown {
  const passwords = new Map(users.map(({ name, password }) => [name, password]));
  return {
    home,
    services: services.flatMap(({ name, listener }) =>
      listener === undefined
        ? []
        : [{ name, host: reachable(listener.host), port: listener.port, tls: listener.tls }],
    ),
    users: listUsers(home)
      .filter(({ canLogIn }) => canLogIn)
      .map(({ name }) => ({ name, password: passwords.get(name) })),
  };
}

function screenOf(facts: HomeFacts, users: Made["users"], command: Command): string[] {
  const host = readFileSync(join(facts.home, "control", "me"), "latin1").trim();
  const names = listUsers(facts.home).filter(({ canLogIn }) => canLogIn);
  return screen({
    facts,
    host,
    passwords: users,
    users: names.map(({ name }) => name),
    log: isatty(2) ? logPath(facts.home) : undefined,
    asRoot: command.system.uids().effective === 0,
    bold: isatty(1) && wantsBold(command.system.env),
  });
}
