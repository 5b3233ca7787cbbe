import { deadlines } from "./deadlines.ts";

/** The same as sleep(), up to a quarter of a second longer, for waits that are let go nearly always. */
export function sleepCoarsely(seconds: number): Promise<void> & { cancel(): void } {
  let wake: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const forget = deadlines.after(seconds, wake);
  return Object.assign(promise, {
    cancel: () => {
      forget();
      wake();
    },
  });
}

/** A wait that can be let go. */
export function sleep(seconds: number): Promise<void> & { cancel(): void } {
  let timer: NodeJS.Timeout | undefined;
  let wake: () => void;
  const promise = new Promise<void>((resolve) => {
    wake = resolve;
    timer = setTimeout(resolve, seconds * 1000);
  });
  return Object.assign(promise, {
    cancel: () => {
      clearTimeout(timer);
      wake();
    },
  });
}
