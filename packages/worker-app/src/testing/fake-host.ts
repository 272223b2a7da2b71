import type { Env, ServiceHost } from '@heliograph/service';

/** A process of a test: it ends in `exits`, and its signals come from the test. */
export interface FakeHost extends ServiceHost {
  readonly exits: readonly number[];
  readonly lines: readonly string[];
  signal(name?: string): void;
}

/** Makes a process with an environment of its own. */
export function fakeHost(env: Env): FakeHost {
  const exits: number[] = [];
  const lines: string[] = [];
  const listeners = new Set<(signal: string) => void>();
  return {
    env,
    exits,
    lines,
    exit: (code) => void exits.push(code),
    writeLine: (line) => void lines.push(line),
    onSignal: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    onFatal: () => () => undefined,
    signal: (name = 'SIGTERM') => listeners.forEach((listener) => listener(name)),
  };
}
