/** One login through PAM, as an application asks for it. Source: pam(3), pam_conv(3); Linux-PAM's constants. */
import { cBytes, cString, ffi } from "./memory.ts";

interface LibPam {
  pam_start_confdir(service: Buffer, user: Buffer, conv: Buffer, folder: Buffer, handle: Buffer): number;
  pam_start(service: Buffer, user: Buffer, conv: Buffer, handle: Buffer): number;
  pam_set_item(handle: bigint, item: number, value: bigint): number;
  pam_get_item(handle: bigint, item: number, value: Buffer): number;
  pam_authenticate(handle: bigint, flags: number): number;
  pam_acct_mgmt(handle: bigint, flags: number): number;
  pam_end(handle: bigint, status: number): number;
  pam_strerror(handle: bigint, status: number): string;
  calloc(count: bigint, octets: bigint): bigint;
  /** The addresses of a function that PAM asks for the password, and of one that waits after a wrong one: not at all. */
  conversation: bigint;
  noDelay: bigint;
}

export interface PamLogin {
  /** The file in /etc/pam.d, or in `folder`. */
  readonly service: string;
  readonly folder?: string | undefined;
  /** latin1. */
  readonly user: string;
  /** The address of the client, for modules that look at it; may be empty. */
  readonly client: string;
}

/** The user that the password was right for, which a module may have changed; undefined when it is wrong. */
export type PamVerdict = { readonly user: string | undefined } | { readonly unable: string };

const success = 0;
const item = { user: 2, remoteHost: 4, failDelay: 10 };
const style = { secret: 1, text: 2 };
/** Answers that are about the user, not about us: permission, credentials, unknown, tries, password too old, expired. */
const refusals = new Set([6, 7, 8, 10, 11, 12, 13]);

/** What the conversation answers with while a login is under way; only one is, as the calls block. */
let answers: { readonly user: Buffer; readonly secret: Buffer } | undefined;
let loaded: LibPam | undefined;

function library(): LibPam {
  if (loaded !== undefined) return loaded;
  const int = "int32";
  const { lib, functions } = ffi().dlopen("libpam.so.0", {
    pam_start_confdir: { arguments: ["buffer", "buffer", "buffer", "buffer", "buffer"], return: int },
    pam_start: { arguments: ["buffer", "buffer", "buffer", "buffer"], return: int },
    pam_set_item: { arguments: ["pointer", int, "pointer"], return: int },
    pam_get_item: { arguments: ["pointer", int, "buffer"], return: int },
    pam_authenticate: { arguments: ["pointer", int], return: int },
    pam_acct_mgmt: { arguments: ["pointer", int], return: int },
    pam_end: { arguments: ["pointer", int], return: int },
    pam_strerror: { arguments: ["pointer", int], return: "pointer" },
  });
  const { functions: c } = ffi().dlopen(null, {
    calloc: { arguments: ["uint64", "uint64"], return: "pointer" },
  });
  const conversation = lib.registerCallback(
    { arguments: [int, "pointer", "pointer", "pointer"], return: int },
    (count, messages, replies) => converse(count, messages as bigint, replies as bigint),
  );
  const noDelay = lib.registerCallback({ arguments: [int, "uint32", "pointer"], return: "void" }, () => {});
  loaded = {
    ...(functions as unknown as LibPam),
    calloc: c.calloc as LibPam["calloc"],
    pam_strerror: (handle, status) => ffi().toString(functions.pam_strerror(handle, status) as bigint) ?? "",
    conversation,
    noDelay,
  };
  return loaded;
}

/**
 * Each question gets the password, or the name where what is typed is shown. struct pam_message: style 0, text 8;
 * struct pam_response: text 0, return code 8. What is answered is the library's to free, and it wipes it.
 */
function converse(count: number, messages: bigint, replies: bigint): number {
  const conversationError = 19;
  if (answers === undefined || count < 1 || count > 32) return conversationError;
  const { calloc } = library();
  const array = calloc(BigInt(count), 16n);
  for (let at = 0; at < count; at++) {
    const message = ffi().getUint64(messages, 8 * at);
    const asked = ffi().getInt32(message, 0);
    const answer = asked === style.secret ? answers.secret : asked === style.text ? answers.user : undefined;
    if (answer === undefined) continue;
    const copy = calloc(BigInt(answer.length), 1n);
    ffi().exportBuffer(answer, copy, answer.length);
    ffi().setUint64(array, 16 * at, copy);
  }
  ffi().setUint64(replies, 0, array);
  return success;
}

/** `keepDelay`: a wrong password takes as long as PAM's modules want, else only as long as it takes. Blocks. */
export function authenticate(
  { service, folder, user, client }: PamLogin,
  secret: Uint8Array,
  { keepDelay }: { readonly keepDelay: boolean },
): PamVerdict {
  const pam = library();
  const name = cString(user);
  const bytes = cBytes(secret);
  const conv = Buffer.alloc(16); // struct pam_conv: the function, and what it is called with
  conv.writeBigUInt64LE(pam.conversation, 0);
  const cell = Buffer.alloc(8);
  const host = cString(client);
  const started =
    folder === undefined
      ? pam.pam_start(cString(service), name, conv, cell)
      : pam.pam_start_confdir(cString(service), name, conv, cString(folder), cell);
  const handle = cell.readBigUInt64LE(0);
  if (started !== success) return { unable: `PAM service ${service} cannot be started: error ${started}` };
  answers = { user: name, secret: bytes };
  let status = success;
  try {
    if (client !== "") pam.pam_set_item(handle, item.remoteHost, ffi().getRawPointer(host));
    if (!keepDelay) pam.pam_set_item(handle, item.failDelay, pam.noDelay);
    status = pam.pam_authenticate(handle, 0);
    if (status === success) status = pam.pam_acct_mgmt(handle, 0);
    if (status !== success) {
      const why = `PAM service ${service}: ${pam.pam_strerror(handle, status)}`;
      return refusals.has(status) ? { user: undefined } : { unable: why };
    }
    pam.pam_get_item(handle, item.user, cell);
    const mapped = ffi().toString(cell.readBigUInt64LE(0)) ?? "";
    // Read as UTF-8, which is not what every name is.
    const same = mapped === Buffer.from(user, "latin1").toString("utf8");
    return { user: same ? user : Buffer.from(mapped, "utf8").toString("latin1") };
  } finally {
    answers = undefined;
    pam.pam_end(handle, status);
    bytes.fill(0);
  }
}
