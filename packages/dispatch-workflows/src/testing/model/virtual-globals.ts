import type { VirtualTime } from './virtual-time.ts';

const REPLACED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const;

/**
 * Puts a virtual clock in the place of the timers, of `Date.now` and of `performance.now`, so that deadlines inside the
 * code under test pass in simulated time as well; returns what puts the real ones back. One world at a time may have
 * them.
 */
export function useVirtualGlobals(time: VirtualTime): () => void {
  const startedAt = time.now;
  const real = Object.fromEntries(REPLACED.map((name) => [name, globalThis[name]]));
  const realDate = Date.now;
  const realPerformance = performance.now.bind(performance);
  const plan = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const timer = time.after(ms, () => run(...args));
    return { cancel: () => timer.cancel(), unref: returnThis, ref: returnThis };
  };
  const repeat = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    let timer = time.after(ms, again);
    function again(): void {
      timer = time.after(ms, again);
      run(...args);
    }
    return { cancel: () => timer.cancel(), unref: returnThis, ref: returnThis };
  };
  const cancel = (handle?: { readonly cancel?: () => void }): void => handle?.cancel?.();
  Object.assign(globalThis, {
    setTimeout: plan,
    setInterval: repeat,
    clearTimeout: cancel,
    clearInterval: cancel,
  });
  Date.now = () => Math.floor(time.now);
  performance.now = () => time.now - startedAt;
  return () => {
    Object.assign(globalThis, real);
    Date.now = realDate;
    performance.now = realPerformance;
  };
}

function returnThis<T>(this: T): T {
  return this;
}
