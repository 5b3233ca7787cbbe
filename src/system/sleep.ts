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
