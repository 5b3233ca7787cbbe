import { ffi } from "./memory.ts";

/** Gives the system back what was freed: malloc_trim(3), where the C library has it. */
export function trim(): void {
  try {
    const { functions } = ffi().dlopen(null, { malloc_trim: { arguments: ["uint64"], return: "int32" } });
    (functions as unknown as { malloc_trim(keep: bigint): number }).malloc_trim(0n);
  } catch {
    // musl gives back by itself.
  }
}

const mmapThreshold = -3; // M_MMAP_THRESHOLD

/**
 * Memory of so many octets and more is asked of the system by itself: what is not touched takes none, and nothing is left in
 * its place. mallopt(3), where the C library has it.
 */
export function allocateApartFrom(octets: number): void {
  try {
    const { functions } = ffi().dlopen(null, { mallopt: { arguments: ["int32", "int32"], return: "int32" } });
    (functions as unknown as { mallopt(option: number, value: number): number }).mallopt(
      mmapThreshold,
      octets,
    );
  } catch {
    // musl does so by itself, from 128 KiB up.
  }
}
