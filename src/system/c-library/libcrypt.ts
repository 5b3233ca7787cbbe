/** crypt(3) of the machine: every scheme that its libcrypt knows. Source: crypt(3), crypt(5), crypt_gensalt(3). */
import { cBytes, cString, ffi, textIn } from "./memory.ts";

interface LibCrypt {
  crypt_r(phrase: Buffer, setting: Buffer, data: Buffer): bigint;
}

/** struct crypt_data of libxcrypt is 32 KiB, that of the old glibc 128. */
const dataOctets = 1 << 18;
const names = ["libcrypt.so.2", "libcrypt.so.1", "libcrypt.so"];

let loaded: LibCrypt | undefined;

/** Throws Error, with the reason of the last name tried, on a machine without the library. */
function library(): LibCrypt {
  if (loaded !== undefined) return loaded;
  let last: unknown;
  for (const name of names) {
    try {
      const { functions } = ffi().dlopen(name, {
        crypt_r: { arguments: ["buffer", "buffer", "buffer"], return: "pointer" },
      });
      loaded = functions as unknown as LibCrypt;
      return loaded;
    } catch (error) {
      last = error;
    }
  }
  throw new Error("this machine has no libcrypt", { cause: last });
}

/**
 * The hash of `phrase` with the scheme, cost and salt of `setting`, which may be a whole hash; undefined when the
 * library does not know the scheme. Takes as long as the scheme says, and blocks.
 */
export function crypt(phrase: Uint8Array, setting: string): string | undefined {
  const data = Buffer.alloc(dataOctets);
  const octets = cBytes(phrase);
  try {
    const pointer = library().crypt_r(octets, cString(setting), data);
    // A token that is no hash: `*0`, or `*1` where that is the setting.
    const hash = textIn(data, pointer);
    return hash === "" || hash.startsWith("*") ? undefined : hash;
  } finally {
    octets.fill(0);
    data.fill(0);
  }
}
