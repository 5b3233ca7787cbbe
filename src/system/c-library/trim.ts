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
