/** The facts of one service: what `sslserver` was told, given from process to process as plain JSON. */

export interface Service {
  readonly id: number;
  /** The server's name in log lines. */
  readonly server: "sslserver" | "tcpserver" | "s6-tcpserverd";
  readonly host: string;
  readonly port: number;
  /** The chain: the words after the port. */
  readonly argv: readonly string[];
  /** Its programs are processes (--native, ACCEPTUTILS_HOST=native). */
  readonly native: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /**
   * `delayed`: UCSPI-TLS (-n). `at once`: before the first byte of the conversation. `offered`: once a program of the
   * chain offers it.
   */
  readonly tls: "none" | "delayed" | "at once" | "offered";
  /** The program of the chain that offers TLS, and how much it logs (0 to 3). */
  readonly offer?: { readonly program: "s6-ucspitlsd" | "s6-tlsd"; readonly verbosity: number } | undefined;
  /** Seconds for a handshake (-T). */
  readonly handshakeSeconds: number;
  /** Seconds without an octet from either side of TLS, after which it ends (-w); 0: for ever. */
  readonly idleSeconds: number;
  /** Clients that may wait in the kernel (-b). */
  readonly backlog: number;
  /** Sessions at once (-c). */
  readonly limit: number;
  /** Processes that run sessions (--fronts): with more than one, another accepts for them. */
  readonly fronts: number;
  /** 0 nothing, 1 errors, 2 every connection, 3 and what TLS agreed on. */
  readonly verbosity: number;
  /** TCP* in the environment (-e), SSL_* after TLS at once (-s). */
  readonly tcpEnvironment: boolean;
  readonly tlsEnvironment: boolean;
  /** The local host name (-l); undefined: look it up. */
  readonly localHost?: string | undefined;
  /** Look up the remote host's name (-h), and drop it unless it leads back (-p). */
  readonly lookUpRemote: boolean;
  readonly paranoid: boolean;
  /** Ask the client's ident server, for so many seconds (-r, -t); undefined: do not. */
  readonly identSeconds?: number | undefined;
  /** The cdb with rules (-x); optional: without the file everybody is allowed (-X). */
  readonly rules?: { readonly file: string; readonly optional: boolean } | undefined;
  /** Sessions of one address at once (-C); undefined: the usual number, and as many as they like for our own addresses. */
  readonly limitPerAddress?: number | undefined;
  /** Networks of proxies, as the first bits of their addresses: who connects from there says for whom. */
  readonly proxies: readonly string[];
  /** TCP_NODELAY (-D). */
  readonly noDelay: boolean;
  /** Said to the client before the program starts; by tcpserver, before rules are looked at (-B). */
  readonly banner: string;
  /** Who the programs run as (-u, -g; -G); undefined: as the server. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly groups?: readonly number[] | undefined;
  readonly certificate?: CertificateFiles | undefined;
}

/** Where the TLS process's policy comes from, and who that process is. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Pairs for names that clients ask for (SNI): CERTFILE:name and KEYFILE:name. */
  readonly names?: readonly { readonly name: string; readonly certFile: string; readonly keyFile: string }[];
  /** A client must ask for one of these names; else it gets the pair above. */
  readonly namesOnly?: boolean;
  readonly ciphers?: string | undefined;
  /** Parameters for finite-field Diffie-Hellman (DHFILE). */
  readonly dhFile?: string | undefined;
  readonly clients?: ClientFiles | undefined;
  /** A client must end TLS before it ends the connection, or it is logged (-J). */
  readonly goodbyeWanted?: boolean;
  /** Whose words describe a session to a program; undefined: ucspi-ssl's. */
  readonly facts?: "s6" | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly chroot?: string | undefined;
}

/** Certificates of clients (-i, -m: required; -z: named as the client's host): CCAFILE, or CAFILE and CADIR; VERIFYDEPTH. */
export interface ClientFiles {
  readonly want: "asked" | "required" | "named";
  readonly files: readonly string[];
  readonly depth: number;
}

/** True when the first word of the chain, or one after a filter of ours, is authup: who the user is, is not known yet. */
export const asksForUser = ({ argv }: Service) => argv.some((word) => /(^|\/)authup$/.test(word));

/** The part of a chain that checks the password, as authup(8) takes its own words off. */
export interface Checkpassword {
  /** Its name without a path. */
  readonly program: string;
  /** From its word on: what authup runs. */
  readonly argv: readonly string[];
}

/** Each login asks for it. */
const checkpasswords = new WeakMap<Service, Checkpassword>();

/** Throws RangeError when the chain has no authup, or nothing after it. */
export function checkpasswordOf(service: Service): Checkpassword {
  const known = checkpasswords.get(service);
  if (known !== undefined) return known;
  const found = checkpasswordIn(service);
  checkpasswords.set(service, found);
  return found;
}

function checkpasswordIn({ argv }: Service): Checkpassword {
  const words = argv.slice(argv.findIndex((word) => /(^|\/)authup$/.test(word)) + 1);
  while (words[0]?.startsWith("-")) {
    const option = words.shift();
    if (option === "--") break;
    if (option === "-t") words.shift();
  }
  words.shift(); // smtp or pop3
  const [word] = words;
  if (word === undefined) throw new RangeError("no word after authup's own");
  return { program: word.replace(/^.*\//, ""), argv: words };
}

/** What a worker process is told at its start, in ACCEPTUTILS_WORKER. */
export interface WorkerFacts {
  readonly kind: "tls" | "listener" | "front" | "auth" | "user" | "helper";
  /** For `ps`. */
  readonly title: string;
  /** Who it becomes once it is loaded; undefined: stays who it is. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Groups beside its gid. */
  readonly groups?: readonly number[] | undefined;
  /** Whose groups it gets; undefined: its gid alone. */
  readonly user?: string | undefined;
  readonly chroot?: string | undefined;
}
