/** The command line of sslserver, in the dialects of ucspi-ssl and of its older relatives. sslserver(8) */

export interface Options {
  readonly verbosity: number;
  readonly limit: number;
  readonly backlog: number;
  readonly banner: string;
  readonly noDelay: boolean;
  readonly lookUpRemote: boolean;
  readonly paranoid: boolean;
  readonly localHost: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** -U: take both from the variables UID and GID. */
  readonly idsFromEnvironment: boolean;
  readonly printPort: boolean;
  readonly family: 4 | 6 | undefined;
  readonly handshakeSeconds: number;
  readonly tcpEnvironment: boolean;
  readonly tlsEnvironment: boolean;
  readonly delayed: boolean;
  readonly host: string;
  readonly port: string;
  readonly argv: readonly string[];
}

export const usage =
  "sslserver: usage: sslserver [ -1346dDvVqQhHrRUXpPoOIEeSsnNzZm ] [ -x rules.cdb ] [ -t seconds ] [ -T seconds ] [ -u uid ] [ -g gid ] [ -l name ] [ -b backlog ] [ -B banner ] [ -c limit ] [ -w seconds ] host port prog";

/** A wrong command line: what is wrong with it, when that can be said. */
export class Misused extends Error {
  override readonly name = "Misused";
}

type Letter = (value: string) => Partial<Options>;

const number = (name: string, value: string): number => {
  if (!/^[0-9]{1,9}$/.test(value)) throw new Misused(`option -${name} needs a number, not "${value}"`);
  return Number(value);
};

/** A value that must be right and changes nothing. */
const ignored = (_: number): Partial<Options> => ({});

/** What is written here we do as the originals do. Letters whose effect is the default are here too. */
const plain: ReadonlyMap<string, Partial<Options>> = new Map<string, Partial<Options>>([
  ["q", { verbosity: 0 }],
  ["Q", { verbosity: 1 }],
  ["v", { verbosity: 2 }],
  ["V", { verbosity: 3 }],
  ["d", { noDelay: false }],
  ["D", { noDelay: true }],
  ["h", { lookUpRemote: true }],
  ["H", { lookUpRemote: false }],
  ["p", { paranoid: true }],
  ["P", { paranoid: false }],
  ["R", {}], // no ident queries: the default here, as in ucspi-tcp6
  ["O", {}], // no source routes: the kernel refuses them
  ["U", { idsFromEnvironment: true }],
  ["1", { printPort: true }],
  ["4", { family: 4 }],
  ["6", { family: 6 }],
  ["E", { tcpEnvironment: false }],
  ["e", { tcpEnvironment: true }],
  ["S", { tlsEnvironment: false }],
  ["s", { tlsEnvironment: true }],
  ["n", { delayed: true }],
  ["N", { delayed: false }],
  ["y", { delayed: true }],
  ["Y", { delayed: false }],
  ["I", {}], // client certificates are not asked for
  ["Z", {}],
]);

const valued: ReadonlyMap<string, Letter> = new Map<string, Letter>([
  ["c", (value) => ({ limit: Math.max(1, number("c", value)) })],
  ["b", (value) => ({ backlog: number("b", value) })],
  ["B", (value) => ({ banner: value })],
  ["l", (value) => ({ localHost: value })],
  ["u", (value) => ({ uid: number("u", value) })],
  ["g", (value) => ({ gid: number("g", value) })],
  ["T", (value) => ({ handshakeSeconds: Math.max(1, number("T", value)) })],
  ["t", (value) => ignored(number("t", value))], // of ident queries, which are off
  ["w", (value) => ignored(number("w", value))], // silence is the programs' matter: they have deadlines of their own
]);

/** Options we know of and do not do: better no service than one that does less than its script says. */
const notDone = new Set(["r", "x", "X", "3", "i", "z", "m", "a", "A", "j", "J", "o"]);

/** Reads the command line. Throws Misused. */
export function parseOptions(words: readonly string[]): Options {
  let options: Options = {
    verbosity: 1,
    limit: 40,
    backlog: 511,
    banner: "",
    noDelay: true,
    lookUpRemote: true,
    paranoid: false,
    localHost: undefined,
    uid: undefined,
    gid: undefined,
    idsFromEnvironment: false,
    printPort: false,
    family: undefined,
    handshakeSeconds: 26,
    tcpEnvironment: false,
    tlsEnvironment: false,
    delayed: false,
    host: "",
    port: "",
    argv: [],
  };
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    for (let place = 1; place < word.length; place++) {
      const letter = word[place]!;
      const withValue = valued.get(letter);
      if (withValue === undefined) {
        const run = plain.get(letter);
        if (notDone.has(letter)) throw new Misused(`option -${letter} is not supported by this version`);
        if (run === undefined) throw new Misused(`illegal option -- ${letter}`);
        options = { ...options, ...run };
        continue;
      }
      const rest = word.slice(place + 1);
      const value = rest === "" ? words[++at] : rest;
      if (value === undefined) throw new Misused(`option requires an argument -- ${letter}`);
      options = { ...options, ...withValue(value) };
      break;
    }
  }
  const [host, port, ...argv] = words.slice(at);
  if (host === undefined || port === undefined || argv.length === 0) throw new Misused("");
  return { ...options, host, port, argv };
}
