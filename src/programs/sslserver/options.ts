/** The command lines of sslserver and tcpserver, in the dialects of ucspi-ssl, ucspi-tcp and ucspi-tcp6. */

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
  readonly server: "sslserver" | "tcpserver";
  readonly usage: string;
  /** Letters of its own options; one with a value is followed by a colon. */
  readonly letters: string;
  readonly defaults: Partial<Options>;
}

export const sslserver: Dialect = {
  server: "sslserver",
  usage:
    "sslserver: usage: sslserver [ -1346aAdDeEhHiIjJmnNoOpPqQrRsSUvVXyYzZ ] [ -b backlog ] [ -B banner ] [ -c limit ] [ -C limit ] [ -g gid ] [ -l name ] [ -t seconds ] [ -T seconds ] [ -u uid ] [ -w seconds ] [ -x rules.cdb ] host port prog",
  letters: "1346aAb:B:c:C:dDeEg:hHiIjJl:mnNoOpPqQrRsSt:T:u:UvVw:x:XyYzZ",
  defaults: {},
};

export const tcpserver: Dialect = {
  server: "tcpserver",
  usage:
    "tcpserver: usage: tcpserver [ -146dDhHoOpPqQrRUvX ] [ -b backlog ] [ -B banner ] [ -c limit ] [ -C limit ] [ -g gid ] [ -I interface ] [ -l name ] [ -t seconds ] [ -u uid ] [ -x rules.cdb ] host port prog",
  letters: "146b:B:c:C:dDg:hHI:l:oOpPqQrRt:u:UvXx:",
  defaults: { noDelay: false, tcpEnvironment: true },
};

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
]);

const valued: ReadonlyMap<string, Letter> = new Map<string, Letter>([
  ["c", (value) => ({ limit: Math.max(1, number("c", value)) })],
  ["b", (value) => ({ backlog: number("b", value) })],
  ["B", (value) => ({ banner: value })],
  ["l", (value) => ({ localHost: value })],
  ["u", (value) => ({ uid: number("u", value) })],
  ["g", (value) => ({ gid: number("g", value) })],
  ["T", (value) => ({ handshakeSeconds: Math.max(1, number("T", value)) })],
  ["C", (value) => ({ limitPerAddress: Math.max(1, number("C", value)) })],
  ["I", (value) => ({ scope: value })],
  ["t", (value) => ({ identSeconds: number("t", value) })],
  ["x", (value) => ({ rules: value })],
  ["w", (value) => ignored(number("w", value))], // silence is the programs' matter: they have deadlines of their own
]);

/** Reads the command line. Throws Misused. */
export function parseOptions(words: readonly string[], { letters, defaults }: Dialect = sslserver): Options {
  let options: Options = {
    verbosity: 1,
    limit: 1000,
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
    four: false,
    six: false,
    ident: false,
    identSeconds: 26,
    rules: undefined,
    rulesOptional: false,
    limitPerAddress: undefined,
    scope: undefined,
    handshakeSeconds: 26,
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
      const known = letter !== ":" && letters.includes(letter);
      const withValue = letters.includes(`${letter}:`) ? valued.get(letter) : undefined;
      if (withValue === undefined) {
        const run = known ? plain.get(letter) : undefined;
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
