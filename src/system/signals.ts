/** Calls `then` whenever the process gets the signal, which does nothing else any more. */
export function onSignal(signal: "SIGTERM" | "SIGHUP" | "SIGALRM", then: () => void): void {
  process.on(signal, then);
}
