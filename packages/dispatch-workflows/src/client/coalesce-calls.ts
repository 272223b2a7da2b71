/**
 * Turns many requests into few calls: the first runs at once; those made within `windowMs` (default 100) or while a
 * call runs become one call afterwards. A failed call is only reported to `onError`, and not repeated by itself.
 */
export function coalesceCalls(
  call: () => Promise<void>,
  options: { readonly windowMs?: number; readonly onError?: (error: unknown) => void } = {},
): { request(): void; /** Resolves when no call runs any more. */ stop(): Promise<void> } {
  const windowMs = options.windowMs ?? 100;
  let busy = false;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    busy = true;
    again = false;
    const startedAt = performance.now();
    try {
      await call();
    } catch (error) {
      options.onError?.(error);
    }
    if (stopped) return;
    timer = setTimeout(
      () => {
        busy = false;
        if (again) running = run();
      },
      Math.max(0, windowMs - (performance.now() - startedAt)),
    );
  };
  return {
    request() {
      again = true;
      if (!busy && !stopped) running = run();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
