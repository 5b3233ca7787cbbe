/**
 * What the TLS server answers to `Y` on the control socket: `NAME=VALUE\0` or `NAME\0` (to be unset), repeated,
 * then one more `\0`; `\0\0` alone when there is nothing to say; no byte at all when the handshake failed.
 * Source: ucspi-tls(2); s6-ucspitlsd.
 */

/** Start TLS, and say what was agreed upon. */
export const startAndReport = Uint8Array.of(0x59); // Y
/** Start TLS, and say nothing. */
export const start = Uint8Array.of(0x79); // y

/** What a program asks for on the control socket: its first byte counts, and nothing after it. */
export function commandOf(bytes: Uint8Array): "start" | "startAndReport" | undefined {
  if (bytes[0] === startAndReport[0]) return "startAndReport";
  return bytes[0] === start[0] ? "start" : undefined;
}

/** Room for a certificate chain in PEM, and no more. */
export const maximumBlockOctets = 262_144;

/** The reply was none: no byte (the handshake failed), or more than any server sends. */
export class NoBlock extends Error {
  override readonly name = "NoBlock";
}

/** Takes the reply apart, however it arrives. */
export class BlockReader {
  #octets = 0;
  readonly #chunks: Uint8Array[] = [];
  #last = -1;

  /** The variables, once the reply is complete; else undefined. Throws NoBlock when it grows too large. */
  take(chunk: Uint8Array): ReadonlyMap<string, string | undefined> | undefined {
    for (let at = 0; at < chunk.length; at++) {
      const before = at === 0 ? this.#last : chunk[at - 1];
      if (chunk[at] !== 0 || before !== 0) continue;
      this.#chunks.push(chunk.subarray(0, at + 1));
      return parseBlock(Buffer.concat(this.#chunks));
    }
    this.#octets += chunk.length;
    if (this.#octets > maximumBlockOctets) throw new NoBlock("too long");
    this.#last = chunk.at(-1) ?? this.#last;
    this.#chunks.push(chunk);
    return undefined;
  }

  /** The control socket was closed: what is whole must do. Throws NoBlock when nothing is. */
  atEnd(): ReadonlyMap<string, string | undefined> {
    const bytes = Buffer.concat(this.#chunks);
    const whole = bytes.lastIndexOf(0) + 1;
    // A server that died while it wrote: half a name would unset another variable, half a value is a lie.
    if (whole === 0) throw new NoBlock(bytes.length === 0 ? "the handshake failed" : "cut short");
    return parseBlock(bytes.subarray(0, whole));
  }
}

/** The variables of a whole reply: only those whose names begin SSL_. */
export function parseBlock(bytes: Buffer): ReadonlyMap<string, string | undefined> {
  const block = new Map<string, string | undefined>();
  for (const item of bytes.toString("latin1").split("\0")) {
    const equals = item.indexOf("=");
    const name = equals < 0 ? item : item.slice(0, equals);
    // Any other name could be meant to change more than TLS: PATH, LD_PRELOAD, RELAYCLIENT.
    if (ofTls.test(name)) block.set(name, equals < 0 ? undefined : item.slice(equals + 1));
  }
  return block;
}

const ofTls = /^SSL_[A-Z0-9_]+$/;

/** A block of which a part is what other sessions are told, too. */
export class SharedBlock extends Map<string, string | undefined> {
  readonly common: ReadonlyMap<string, string>;
  readonly own: ReadonlyMap<string, string | undefined>;

  constructor(common: ReadonlyMap<string, string>, own: ReadonlyMap<string, string | undefined>) {
    super(common);
    for (const [name, value] of own) this.set(name, value);
    this.common = common;
    this.own = own;
  }
}

/**
 * Reads blocks that begin alike: variables of a beginning that came before are not parsed again, and are shared. It
 * remembers the last few beginnings.
 */
export class BlockParser {
  readonly #known: { readonly bytes: Buffer; readonly block: ReadonlyMap<string, string> }[] = [];

  /** The variables of a block; `common` are the first of its items, which are all set, `own` the rest. */
  parse(common: Buffer, own: Buffer): ReadonlyMap<string, string | undefined> {
    return common.length === 0 ? parseBlock(own) : new SharedBlock(this.#common(common), parseBlock(own));
  }

  #common(bytes: Buffer): ReadonlyMap<string, string> {
    const known = this.#known.find((known) => known.bytes.equals(bytes));
    if (known !== undefined) return known.block;
    const block = new Map([...parseBlock(bytes)].map(([name, value]) => [name, value ?? ""]));
    this.#known.unshift({ bytes: Buffer.from(bytes), block });
    this.#known.length = Math.min(this.#known.length, mostKnown);
    return block;
  }
}

const mostKnown = 8;

type Variables = Iterable<readonly [string, string | undefined]>;

/** The reply for `block`, as a server writes it. */
export function blockOf(block: Variables): Buffer {
  return Buffer.from((items(block) || "\0") + "\0", "latin1");
}

/** A part of a reply, without its end. */
export function blockItems(part: Variables): Buffer {
  return Buffer.from(items(part), "latin1");
}

function items(block: Variables): string {
  let text = "";
  for (const [name, value] of block) text += value === undefined ? `${name}\0` : `${name}=${value}\0`;
  return text;
}
