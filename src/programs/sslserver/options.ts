/**
 * The command lines of sslserver, tcpserver and s6-tcpserver, in the dialects of ucspi-ssl, ucspi-tcp, ucspi-tcp6 and
 * s6-networking.
 */
import { type Given, getopt, Misused, numberOf } from "../getopt.ts";

export { Misused } from "../getopt.ts";

export interface Options {
  readonly verbosity: number;
  readonly limit: number | undefined;
  readonly backlog: number;
  readonly banner: string;
  readonly noDelay: boolean;
  readonly lookUpRemote: boolean;
  readonly paranoid: boolean;
  readonly localHost: string | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** -G: groups beside the gid; undefined: none. */
  readonly groups: readonly number[] | undefined;
  /** -U: take them from the variables UID, GID and (s6-tcpserver) GIDLIST. */
  readonly idsFromEnvironment: boolean;
  readonly printPort: boolean;
  /** --native: the programs are processes. */
  readonly native: boolean;
  /** --fronts; undefined: by the number of CPUs. */
  readonly fronts: number | undefined;
  /** -4, -6; with both or neither, what the host is. */
  readonly four: boolean;
  readonly six: boolean;
  readonly ident: boolean;
  readonly identSeconds: number;
  readonly rules: string | undefined;
  readonly rulesOptional: boolean;
  readonly limitPerAddress: number | undefined;
  /** The interface to listen on, for an address of the link alone. */
  readonly scope: string | undefined;
  readonly handshakeSeconds: number;
  /** -w; 0: for ever. */
  readonly idleSeconds: number;
  readonly tcpEnvironment: boolean;
  readonly tlsEnvironment: boolean;
  readonly delayed: boolean;
  /** Whether clients must show a certificate (-i, -m), and one for their own name (-z). */
  readonly clients: "asked" | "required" | "named";
  /** -3: the password of the key comes on descriptor 3. */
  readonly keyPassword: boolean;
  readonly host: string;
  readonly port: string;
  readonly argv: readonly string[];
}

/** What a server is called, what its options are, and what it does without them. */
export interface Dialect {
  readonly server: "sslserver" | "tcpserver" | "s6-tcpserver";
  readonly usage: string;
  /** Letters of its own options; one with a value is followed by a colon. */
  readonly letters: string;
  readonly defaults: Partial<Options>;
  /** Letters that mean something else here. */
  readonly own?: ReadonlyMap<string, Partial<Options>>;
}

export const sslserver: Dialect = {
  server: "sslserver",
  usage:
    "sslserver: usage: sslserver [ -1346aAdDeEhHiIjJmnNoOpPqQrRsSUvVXyYzZ ] [ --native ] [ --fronts n ] [ -b backlog ] [ -B banner ] [ -c limit ] [ -C limit ] [ -g gid ] [ -l name ] [ -t seconds ] [ -T seconds ] [ -u uid ] [ -w seconds ] [ -x rules.cdb ] host port prog",
  letters: "1346aAb:B:c:C:dDeEg:hHiIjJl:mnNoOpPqQrRsSt:T:u:UvVw:x:XyYzZ",
  defaults: {},
};

export const tcpserver: Dialect = {
  server: "tcpserver",
  usage:
    "tcpserver: usage: tcpserver [ -146dDhHoOpPqQrRUvX ] [ --native ] [ --fronts n ] [ -b backlog ] [ -B banner ] [ -c limit ] [ -C limit ] [ -g gid ] [ -I interface ] [ -l name ] [ -t seconds ] [ -u uid ] [ -x rules.cdb ] host port prog",
  letters: "146b:B:c:C:dDg:hHI:l:oOpPqQrRt:u:UvXx:",
  defaults: { noDelay: false, tcpEnvironment: true },
};

/** What both s6-tcpserver and its forms for one family of addresses have. */
const s6Letters = "1b:c:C:dDg:G:qQu:Uv";
const s6Defaults: Partial<Options> = { idleSeconds: 0, limit: 40, limitPerAddress: 40, tcpEnvironment: true };
/** SO_REUSEADDR, which is always on: a server that is started again is to have its port. */
const s6Own = new Map<string, Partial<Options>>([
  ["d", {}],
  ["D", {}],
]);
const s6Usage = (name: string, families: string) =>
  `${name}: usage: ${name} [ -q | -Q | -v ] [ --native ] [ --fronts n ]${families} [ -d | -D ] [ -1 ] [ -c maxconn ] [ -C localmaxconn ] [ -b backlog ] [ -G gid,gid,... ] [ -g gid ] [ -u uid ] [ -U ] ip port prog...`;

export const s6Tcpserver: Dialect = {
  server: "s6-tcpserver",
  usage: s6Usage("s6-tcpserver", " [ -4 | -6 ]"),
  letters: `46${s6Letters}`,
  defaults: s6Defaults,
  own: s6Own,
};

/** s6-tcpserver4 and s6-tcpserver6, as older scripts have them. */
export const s6TcpserverOf = (family: 4 | 6): Dialect => ({
  server: "s6-tcpserver",
  usage: s6Usage(`s6-tcpserver${family}`, ""),
  letters: s6Letters,
  defaults: { ...s6Defaults, ...(family === 4 ? { four: true } : { six: true }) },
  own: s6Own,
});

type Letter = (given: Given) => Partial<Options>;

const positive = (given: Given) => Math.max(1, numberOf(given));

function numbersOf({ letter, value }: Given): readonly number[] {
  if (value === "") return [];
  if (!/^[0-9]{1,9}(,[0-9]{1,9})*$/.test(value))
    throw new Misused(`option -${letter} needs numbers with commas between them, not "${value}"`);
  return value.split(",").map(Number);
}

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
  ["r", { ident: true }],
  ["R", { ident: false }], // the default here, as in ucspi-tcp6
  ["X", { rulesOptional: true }],
  ["o", {}], // IP options can no longer route anything
  ["O", {}], // no source routes: the kernel refuses them
  ["U", { idsFromEnvironment: true }],
  ["1", { printPort: true }],
  ["4", { four: true }],
  ["6", { six: true }],
  ["E", { tcpEnvironment: false }],
  ["e", { tcpEnvironment: true }],
  ["S", { tlsEnvironment: false }],
  ["s", { tlsEnvironment: true }],
  ["n", { delayed: true }],
  ["N", { delayed: false }],
  ["y", { delayed: true }],
  ["Y", { delayed: false }],
  ["a", {}], // key and certificate are read before anybody is let in, by the one who starts us
  ["A", {}],
  ["j", {}], // each side of TLS is closed when the other is done with it
  ["J", {}],
  ["i", { clients: "required" }],
  ["m", { clients: "required" }],
  ["z", { clients: "named" }],
  ["I", { clients: "asked" }],
  ["Z", { clients: "asked" }],
  ["3", { keyPassword: true }],
  ["--native", { native: true }],
]);

const valued: ReadonlyMap<string, Letter> = new Map<string, Letter>([
  ["c", (given) => ({ limit: positive(given) })],
  ["b", (given) => ({ backlog: numberOf(given) })],
  ["B", ({ value }) => ({ banner: value })],
  ["l", ({ value }) => ({ localHost: value })],
  ["u", (given) => ({ uid: numberOf(given) })],
  ["g", (given) => ({ gid: numberOf(given) })],
  ["G", (given) => ({ groups: numbersOf(given) })],
  ["T", (given) => ({ handshakeSeconds: positive(given) })],
  ["C", (given) => ({ limitPerAddress: positive(given) })],
  ["I", ({ value }) => ({ scope: value })],
  ["t", (given) => ({ identSeconds: numberOf(given) })],
  ["x", ({ value }) => ({ rules: value })],
  ["--fronts", (given) => ({ fronts: positive(given) })],
  ["w", (given) => ({ idleSeconds: positive(given) })],
]);

const takesValue = (letter: string, letters: string) =>
  letter === "--fronts" || letters.includes(`${letter}:`);

/**
 * Reads the command line. Throws Misused. `interfaces`: those of this machine. A word of these behind sslserver's -I is
 * the interface that the manual of fehcom's ucspi-ssl speaks of; -I without one is that of the older ucspi-ssl.
 */
export function parseOptions(
  words: readonly string[],
  dialect: Dialect = sslserver,
  interfaces: readonly string[] = [],
): Options {
  const { letters, defaults, own } = dialect;
  let options: Options = {
    verbosity: 1,
    limit: undefined,
    // What the kernel allows at most, as a rule: who finds the queue full tries again only after a second, then ever later.
    backlog: 4096,
    banner: "",
    noDelay: true,
    lookUpRemote: true,
    paranoid: false,
    localHost: undefined,
    uid: undefined,
    gid: undefined,
    groups: undefined,
    idsFromEnvironment: false,
    printPort: false,
    native: false,
    fronts: undefined,
    four: false,
    six: false,
    ident: false,
    identSeconds: 26,
    rules: undefined,
    rulesOptional: false,
    limitPerAddress: undefined,
    scope: undefined,
    handshakeSeconds: 26,
    idleSeconds: 3600,
    tcpEnvironment: false,
    tlsEnvironment: false,
    delayed: false,
    clients: "asked",
    keyPassword: false,
    host: "",
    port: "",
    argv: [],
    ...defaults,
  };
  const { given, rest } = getopt(words, letters, ["--native", "--fronts:"]);
  const last = given.at(-1)?.letter;
  if (last === "I" && !letters.includes("I:") && interfaces.includes(rest[0] ?? "")) {
    const more = [...words.slice(0, words.length - rest.length), ...rest.slice(1)];
    return { ...parseOptions(more, dialect, interfaces), scope: rest[0] };
  }
  for (const one of given) {
    const meaning = takesValue(one.letter, letters)
      ? valued.get(one.letter)?.(one)
      : (own?.get(one.letter) ?? plain.get(one.letter));
    options = { ...options, ...meaning };
  }
  const [host, port, ...argv] = rest;
  if (host === undefined || port === undefined || argv.length === 0) throw new Misused("");
  return { ...options, host, port, argv };
}
