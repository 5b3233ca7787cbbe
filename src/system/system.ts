/**
 * What a program may ask of the machine. A program is one function, `main(args, system)`, and does not know
 * whether it is a process of its own (native host) or one of many sessions in a worker (resident host).
 *
 *     sslserver … authup smtp checkpassword checknotroot fixsmtpio ofmipd
 *
 * Each word becomes the next with `exec` (as execve(2): same descriptors, same environment), or puts itself in
 * front of the next with `spawn`.
 */

import type { RecordType } from "./dns.ts";

/** Runs one program. `args` are the words after its own name. Resolves to its exit code, 0 to 255. */
export type Program = (args: readonly string[], system: System) => Promise<number>;

/** How a program of ours is found by name; undefined for a name that is not ours. */
export type Programs = (name: string) => Promise<Program | undefined> | Program | undefined;

/** One end of a conversation that can be read. */
export interface Input {
  /**
   * The next bytes as they came, at least one; `null` at the end of file.
   * Nothing is taken from the descriptor before it is asked for, so whoever reads next misses nothing.
   * The bytes belong to the reader. One read at a time.
   * Throws TimedOut after `timeoutSeconds` of silence; the input cannot be read after that.
   */
  read(timeoutSeconds?: number): Promise<Uint8Array | null>;
  /** Gives the descriptor up; what is unread is lost. */
  close(): void;
  /** True once a pipe in memory was given up: nobody inherits it then. */
  readonly closed?: boolean;
  /** The descriptor another process could inherit, when there is one. */
  readonly fd?: number | undefined;
}

/** One end of a conversation that can be written. */
export interface Output {
  /**
   * Writes all of `bytes`, which must not be changed afterwards. Awaiting the result is back-pressure:
   * `undefined` means there is room for more. Throws (or rejects with) Closed when nobody will ever read it.
   */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** The same for latin1 text, where no bytes need be made of it that somebody must collect. */
  say?(text: string): Promise<void> | undefined;
  /** Resolves when all that was written has left this process. */
  flush(): Promise<void>;
  /** The reader sees the end of file. */
  close(): void;
  readonly fd?: number | undefined;
}

/** How a program ended: its exit code, or the signal that killed it. */
export type Ended = { readonly code: number } | { readonly signal: string };

/** Where a descriptor of a child leads. Descriptors that are not named are closed, except 2, the log. */
export type Wire =
  /** The descriptor of the same number here (or of number `from`). */
  | { readonly inherit: true; readonly from?: number }
  /** A pipe: we write, the child reads. */
  | { readonly toChild: true }
  /** A pipe: the child writes, we read. */
  | { readonly fromChild: true }
  /** Both: a conversation. */
  | { readonly both: true }
  /** The child reads exactly these bytes, then the end of file. The bytes may be wiped once spawn() resolved. */
  | { readonly bytes: Uint8Array }
  /** A file opened before, positioned at its start. */
  | { readonly file: TemporaryFile };

export interface SpawnOptions {
  readonly wires: Readonly<Record<number, Wire>>;
  /** Variables to set (a string) or to remove (undefined), on top of our own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A program that was started with `spawn`. */
export interface Child {
  readonly pid: number;
  /** Our end of a `toChild` pipe, or of a conversation. */
  output(descriptor: number): Output;
  /** Our end of a `fromChild` pipe, or of a conversation. */
  input(descriptor: number): Input;
  wait(): Promise<Ended>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** An unlinked file, as qmail-qfilter makes them: read from its start by each child it is wired to. */
export interface TemporaryFile {
  write(bytes: Uint8Array): Promise<void>;
  read(): Promise<Uint8Array>;
  /** What read() gives, without holding all of it. */
  chunks(): AsyncIterable<Uint8Array>;
  size(): Promise<number>;
  close(): void;
}

/** What a program becomes after a password was right. checkpassword, SECURITY */
export interface Account {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** Facts of a session: numbers add up, words replace each other. `verb` is a command's first word. */
export type Facts = Readonly<Record<string, string | number>>;

export interface System {
  /** The name it was called by: the last part of argv[0]. */
  readonly name: string;
  /** A process number for log lines; unique among what runs now on this host. */
  readonly pid: number;
  readonly parentPid: number;
  /** The environment. What a program sets here is what the next program finds. */
  readonly env: Map<string, string>;

  /** ACCEPTUTILS_HOME, or /var/qmail. */
  home(): string;
  cwd(): string;
  /** Throws CannotOpen when there is no such directory. */
  chdir(directory: string): void;

  /** Throws CannotOpen when we were given no such descriptor. */
  input(descriptor: number): Input;
  output(descriptor: number): Output;

  /** One line on descriptor 2, the log. Bytes are latin1; LF is added. Never a secret. */
  log(line: string): void;

  /** Adds to the one line that is logged when the session ends. Never a secret, never what was said. */
  record(facts: Facts): void;

  /** Tells blocklistd(8) of a login, where its library is. Never waits for it. */
  tellBlocklist(told: { readonly failed: boolean; readonly client: string; readonly port: number }): void;

  uids(): { readonly real: number; readonly effective: number; readonly saved: number };
  /** Becomes the account: groups, gid, uid, HOME, SHELL, USER, working directory. Throws when not allowed. */
  become(account: Account): void;
  /**
   * Gives up being root for good. From then on `argv`, and nothing else, is still started as root, by spawn(), with no
   * other wires than 0, 1 and octets on 3. Nothing happens where we are not root. Throws CannotRun.
   */
  divide(identity: Pick<Account, "uid" | "gid">, argv: readonly string[]): Promise<void>;

  /**
   * Becomes the program `argv[0]`, looked up in PATH. Never comes back from a process of someone else's;
   * of ours, resolves to the exit code. Throws CannotRun.
   */
  exec(argv: readonly string[]): Promise<number>;
  /** Starts `argv` beside us. Throws CannotRun. */
  spawn(argv: readonly string[], options: SpawnOptions): Promise<Child>;

  /** The program of ours that `word` stands for; undefined when it is somebody else's, or not there. */
  ours(word: string): string | undefined;

  /**
   * The server's side of UCSPI-TLS: from here on, a program of the chain may start TLS on descriptors 0 and 1. `monitor`
   * is the program that speaks TLS when it is asked to: it gets the connection on 0 and 1, the control socket on 3,
   * reads what to encrypt from 4, and writes what it decrypted to 5. In a worker, the TLS process does all that.
   * Resolves to how to learn its exit code once startTls() has failed. Throws CannotRun.
   */
  offerTls(monitor: readonly string[]): Promise<() => Promise<number>>;
  /**
   * The application's side of UCSPI-TLS: asks for the handshake, moves descriptors 0 and 1 into TLS and resolves
   * to what the server says of it (a name without value: to be unset). All clear text must have been written; what
   * was read ahead must be dropped by the caller. Throws TlsFailed; the session cannot go on in clear then.
   */
  startTls(timeoutSeconds: number): Promise<ReadonlyMap<string, string | undefined>>;
  /** True when the server offers UCSPI-TLS on descriptors that work. */
  canStartTls(): boolean;

  /** A file's bytes, relative to cwd; undefined when it does not exist. Unchanged files give the same object. Throws CannotOpen. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /**
   * What `read` makes of control files. In a worker, whoever asks for the same `name` in the same working directory within
   * a moment gets what the first has read: nothing of a single session may be in it. Throws what `read` throws.
   */
  settings<Value>(name: string, read: () => Promise<Value>): Promise<Value> | Value;
  /** Adds to a file, and makes it, for its owner alone, when there is none. Throws CannotOpen. */
  appendFile(path: string, bytes: Uint8Array): Promise<void>;
  temporaryFile(): Promise<TemporaryFile>;

  /**
   * The DNS records of `name`: addresses, names, or the strings of TXT records; none when there are none. Bounded in time.
   * Throws DnsTrouble.
   */
  resolve(name: string, type: RecordType): Promise<readonly string[]>;
  /** The addresses that lead to this machine, as text. */
  addresses(): ReadonlySet<string>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `seconds`; the result's `cancel` lets it go. */
  sleep(seconds: number): Promise<void> & { cancel(): void };
}

/** The peer kept silent for too long. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** Nobody reads the other end. */
export class Closed extends Error {
  override readonly name = "Closed";
}

/** TLS was promised to the client and did not come about. */
export class TlsFailed extends Error {
  override readonly name = "TlsFailed";
}

/** A program could not be started. `code` is the system's word: ENOENT, EACCES, EAGAIN… */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
  readonly program: string;
  readonly code: string;
  constructor(program: string, code: string, options?: ErrorOptions) {
    super(`unable to run ${program}: ${systemWords(code)}`, options);
    this.program = program;
    this.code = code;
  }
}

/** A file or directory exists (or should) and could not be used. */
export class CannotOpen extends Error {
  override readonly name = "CannotOpen";
  readonly path: string;
  readonly code: string;
  constructor(path: string, code: string, options?: ErrorOptions) {
    super(`unable to open ${path}: ${systemWords(code)}`, options);
    this.path = path;
    this.code = code;
  }
}

/**
 * What Ended.signal says of a program that was not run to its end because too much else waits: no signal of the system.
 * Whoever asked may ask again.
 */
export const overloaded = "OVERLOADED";

/** A program of ours that exec'ed someone else's, which a signal then killed. Its spawner sees `Ended.signal`. */
export class Killed extends Error {
  override readonly name = "Killed";
  readonly signal: string;
  constructor(signal: string) {
    super(`killed by ${signal}`);
    this.signal = signal;
  }
}

/** The system's own short words for an error code, in the style the classic programs print. */
export function systemWords(code: string): string {
  return words.get(code) ?? code;
}

const words = new Map([
  ["ENOENT", "file does not exist"],
  ["EACCES", "access denied"],
  ["EPERM", "permission denied"],
  ["ENOTDIR", "not a directory"],
  ["EISDIR", "is a directory"],
  ["EEXIST", "file already exists"],
  ["ENAMETOOLONG", "file name too long"],
  ["ELOOP", "symbolic link loop"],
  ["ENOEXEC", "exec format error"],
  ["EADDRINUSE", "address already used"],
  ["EADDRNOTAVAIL", "address not available"],
  ["EMFILE", "process cannot open more files"],
  ["ENFILE", "system cannot open more files"],
  ["ENOMEM", "out of memory"],
  ["EAGAIN", "temporary failure"],
  ["ENOSPC", "out of disk space"],
  ["EROFS", "read-only file system"],
  ["EIO", "input/output error"],
  ["EBADF", "bad file descriptor"],
  ["ENOTSUP", "not possible here"],
]);

/** The error code of a thrown system error, or "" when it is something else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
