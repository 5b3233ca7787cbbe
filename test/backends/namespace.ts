/**
 * A view of the file system for this process and its children alone, in which files of the system can be replaced.
 * unshare(2), mount(2)
 */
interface Calls {
  unshare(flags: number): number;
  mount(from: Buffer, to: Buffer, type: Buffer, flags: bigint, data: bigint): number;
}

let calls: Calls | undefined;

const text = (value: string) => Buffer.from(`${value}\0`);
const newNamespace = 0x20000;
const bind = 4096n;
const recursivePrivate = 0x44000n;

/** Why there can be none; false when there is one now. */
export function enterNamespace(): string | false {
  if (process.getuid!() !== 0) return "needs root, to replace /etc/shadow for itself";
  calls = process.getBuiltinModule("node:ffi").dlopen(null, {
    unshare: { arguments: ["int32"], return: "int32" },
    mount: { arguments: ["buffer", "buffer", "buffer", "uint64", "uint64"], return: "int32" },
  }).functions as unknown as Calls;
  const entered =
    calls.unshare(newNamespace) === 0 &&
    calls.mount(text("none"), text("/"), text(""), recursivePrivate, 0n) === 0;
  return entered ? false : "no mount namespaces here";
}

/** From now on `path` is `file`. */
export function replace(path: string, file: string): void {
  if (calls?.mount(text(file), text(path), text(""), bind, 0n) !== 0)
    throw new Error(`unable to mount ${path}`);
}
