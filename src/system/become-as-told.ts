/** How a process of ours that root started becomes somebody else. */

/** Tells a process of ours who to become before anything else. */
export const becomeVariable = "ACCEPTUTILS_BECOME";
/** The same, once it has opened what it could not open afterwards. */
export const becomeLaterVariable = "ACCEPTUTILS_BECOME_LATER";

/**
 * Becomes who we were told to be. It is done here, and not by who starts us, because our own files may be in a folder
 * that is closed to that user: they are loaded by now.
 */
export function becomeAsTold(): void {
  become(becomeVariable);
}

/** For a program that is told so: everything is open now. */
export function becomeAsToldNow(): void {
  become(becomeLaterVariable);
}

function become(variable: string): void {
  const [uid, gid] = (process.env[variable] ?? "").split(":").map(Number);
  delete process.env[variable];
  if (!uid || !gid || process.getuid!() !== 0) return;
  process.setgroups!([gid]);
  process.setgid!(gid);
  process.setuid!(uid);
}
