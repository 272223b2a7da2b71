import { DatabaseError } from '@heliograph/database';
import type { Random } from '@heliograph/simulators';
import type { VirtualTime } from './virtual-time.ts';
import { never, type Process } from './process.ts';

/** A database server. */
export type Server = 'postgres' | 'clickhouse';

/** What becomes of one call to a database. */
export type CallFate =
  | 'answered'
  /** The server cannot be reached: nothing was done. */
  | 'refused'
  /** The connection broke: it was done, and the answer is lost. */
  | 'done-and-lost'
  /** The connection broke before the server had it. */
  | 'lost'
  /** Neither done nor answered, until the deadline of the client. */
  | 'hangs'
  /** Done after the client has given up. */
  | 'done-too-late';

/** Decides what becomes of the next call. */
export type FateOfCall = (server: Server, method: string) => CallFate;

/** When a client gives a call up, in milliseconds. */
const DEADLINE_MS = 10_000;

/** Connects a process to databases: calls take a while, and what becomes of them is decided by `fateOf`. */
export function createNetwork(time: VirtualTime, random: Random, fateOf: FateOfCall) {
  const call = <T>(process: Process, server: Server, method: string, run: () => Promise<T>): Promise<T> => {
    if (!process.isAlive) return never();
    const fate = fateOf(server, method);
    return new Promise<T>((resolve, reject) => {
      const answer = (ms: number, settle: () => void): void => {
        time.after(ms, () => {
          if (process.isAlive) settle();
        });
      };
      const fail = (ms: number, code: 'DATABASE_UNAVAILABLE' | 'DATABASE_TIMEOUT'): void =>
        answer(ms, () => reject(new DatabaseError(code, `${method} of ${server}`, { retryable: true })));
      const there = 0.2 + 3 * random();
      const back = 0.2 + 3 * random();
      const execute = (onDone: (value: T) => void): void =>
        void run().then(onDone, (error: unknown) => answer(back, () => reject(error)));
      switch (fate) {
        case 'answered':
          time.after(there, () => execute((value) => answer(back, () => resolve(value))));
          break;
        case 'refused':
        case 'lost':
          fail(there, 'DATABASE_UNAVAILABLE');
          break;
        case 'done-and-lost':
          time.after(there, () => execute(() => fail(back, 'DATABASE_UNAVAILABLE')));
          break;
        case 'hangs':
          fail(DEADLINE_MS, 'DATABASE_TIMEOUT');
          break;
        case 'done-too-late':
          fail(DEADLINE_MS, 'DATABASE_TIMEOUT');
          time.after(DEADLINE_MS + 2000 * random(), () => execute(() => undefined));
          break;
      }
    });
  };
  return {
    /** The same store as a process sees it from afar. */
    connect<S extends object>(process: Process, server: Server, store: S): S {
      const remote = Object.entries(store).map(([method, run]: [string, unknown]) => [
        method,
        typeof run === 'function'
          ? (...args: unknown[]) => call(process, server, method, () => run(...args) as Promise<unknown>)
          : run,
      ]);
      return Object.fromEntries(remote) as S;
    },
  };
}
