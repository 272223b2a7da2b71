import { readFile } from 'node:fs';
import type postgres from 'postgres';
import { DatabaseError } from './errors.ts';
import { type DriverQuery, type SingleConnection, openConnection } from './single-connection.ts';

/** Options of {@link createConnectionPool}. */
export interface ConnectionPoolOptions {
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** How long anything may wait for an answer, the wait for a connection included; 0 means for ever. */
  readonly queryTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** How long an unused connection is trusted before it is asked whether it is still there. */
  readonly probeAfterMs: number;
}

/** Somebody who waits for a connection. */
interface Waiter {
  /** Its deadline on `performance.now`. */
  readonly until: number;
  readonly query?: DriverQuery;
  /** Asks for a connection of its own. */
  readonly take?: (connection: SingleConnection) => void;
  reject(reason: unknown): void;
}

type Work = (tx: postgres.TransactionSql) => unknown;

const MAX_PIPELINED = 100;
const LIFETIME_MS = 45 * 60_000;
const PROBE_TIMEOUT_MS = 3000;

/**
 * Puts a pool of single-use connections under the functions of a postgres.js pool, which itself never connects but for
 * `listen`, `subscribe` and `largeObject`. What is given to it behaves as the driver documents it; in addition every
 * query, and every statement of a transaction, the driver's own included, is answered or rejects within
 * `queryTimeoutMs`, with its connection destroyed, and a lost connection takes nothing along but what ran on it.
 */
export function createConnectionPool(base: postgres.Sql, options: ConnectionPoolOptions): postgres.Sql {
  const connections = new Set<SingleConnection>();
  const waiting: Waiter[] = [];
  const owners = new WeakMap<DriverQuery, SingleConnection>();
  const timeoutMs = options.queryTimeoutMs > 0 ? options.queryTimeoutMs : Infinity;
  let failures = 0;
  let next = 0;
  let ending: Promise<void> | undefined;
  let onEmpty: (() => void) | undefined;
  let sweeper: NodeJS.Timeout | undefined;

  const open = (): SingleConnection => {
    const connection = openConnection(base.options, {
      delayMs: failures === 0 ? 0 : Math.min(50 * 2 ** failures, 1000),
      connectTimeoutMs: options.connectTimeoutMs,
      queryTimeoutMs: timeoutMs,
      onAnswer: (one) => {
        failures = 0;
        if (waiting.length > 0) serve();
        else if (ending !== undefined) retire(one);
      },
      onGone: (one, reason) => {
        connections.delete(one);
        if (reason !== undefined && !one.hasAnswered) {
          failures++;
          // Nobody else will answer them either, and a caller who knows can do something else.
          if (![...connections].some((other) => other.hasAnswered))
            for (const waiter of waiting.splice(0)) waiter.reject(reason);
        }
        if (waiting.length > 0) serve();
        if (connections.size === 0) {
          clearInterval(sweeper);
          sweeper = undefined;
          onEmpty?.();
        }
      },
    });
    connections.add(connection);
    sweeper ??= setInterval(sweep, 250).unref();
    return connection;
  };

  const isFree = (one: SingleConnection): boolean => !one.isHeld && !one.isGone && one.pending.size === 0;
  const retire = (one: SingleConnection): void => {
    if (isFree(one)) one.end();
  };

  /** An unused connection, or a new one; for a query also one that can send more behind what it has sent. */
  const pick = (isShared: boolean): SingleConnection | undefined => {
    for (const one of connections) if (isFree(one)) return one;
    if (connections.size < options.maxConnections) return open();
    if (!isShared) return undefined;
    const all = [...connections];
    for (let tried = 0; tried < all.length; tried++) {
      const one = all[next++ % all.length];
      if (one !== undefined && !one.isHeld && !one.isGone && !one.isFull && one.pending.size < MAX_PIPELINED)
        return one;
    }
    return undefined;
  };

  const serve = (): void => {
    for (let waiter = waiting[0]; waiter !== undefined; waiter = waiting[0]) {
      const connection = pick(waiter.query !== undefined);
      if (connection === undefined) return;
      waiting.shift();
      hand(waiter, connection);
    }
  };

  const hand = ({ query, take }: Waiter, connection: SingleConnection): void => {
    if (query !== undefined) {
      owners.set(query, connection);
      connection.send(query);
    } else {
      connection.isHeld = true;
      take?.(connection);
    }
  };

  const enter = (waiter: Waiter): void => {
    if (ending !== undefined) {
      waiter.reject(connectionError('CONNECTION_ENDED', 'the pool is closed'));
      return;
    }
    const connection = waiting.length === 0 ? pick(waiter.query !== undefined) : undefined;
    if (connection === undefined) {
      waiting.push(waiter);
      sweeper ??= setInterval(sweep, 250).unref();
    } else hand(waiter, connection);
  };

  const sweep = (): void => {
    const now = performance.now();
    const late = (): DatabaseError =>
      new DatabaseError('DATABASE_TIMEOUT', 'PostgreSQL did not answer in time', { retryable: true });
    while (waiting[0] !== undefined && waiting[0].until < now) waiting.shift()?.reject(late());
    for (const one of connections) {
      const overdue = [...one.pending].filter(({ until }) => until < now);
      for (const missed of overdue) missed.reject(late());
      if (overdue.length > 0) one.destroy(connectionError('CONNECTION_DESTROYED', 'PostgreSQL went silent'));
    }
    for (const one of connections) {
      if (!isFree(one)) continue;
      if (now - one.idleSince >= options.idleTimeoutMs || now - one.openedAt >= LIFETIME_MS) one.end();
      else if (now - one.answeredAt >= options.probeAfterMs) one.probe(PROBE_TIMEOUT_MS);
    }
  };

  const dispatch = Object.assign(
    (query: DriverQuery): void =>
      enter({ query, until: performance.now() + timeoutMs, reject: (r) => query.reject(r) }),
    { debug: false },
  );

  const cancel = (query: DriverQuery): unknown => {
    const owner = owners.get(query);
    if (owner !== undefined) return owner.cancel(query);
    const at = waiting.findIndex((waiter) => waiter.query === query);
    if (at !== -1) waiting.splice(at, 1);
    query.cancelled = true;
    query.reject(connectionError('57014', 'canceling statement due to user request'));
    return Promise.resolve();
  };

  const adopt = (made: unknown): unknown => {
    if (isQuery(made)) {
      made.handler = dispatch;
      made.canceller = cancel;
    }
    return made;
  };

  const held = async (): Promise<SingleConnection> =>
    new Promise((take, reject) => enter({ take, until: performance.now() + timeoutMs, reject }));
  const release = (connection: SingleConnection): void => {
    connection.isHeld = false;
    if (waiting.length > 0) serve();
    else if (ending !== undefined) retire(connection);
  };

  const begin = async (first: string | Work, second?: Work): Promise<unknown> => {
    const work = typeof first === 'string' ? second : first;
    if (work === undefined) throw new TypeError('begin needs a function');
    const connection = await held();
    try {
      return await connection.sql.begin(typeof first === 'string' ? first : '', work);
    } finally {
      release(connection);
    }
  };

  const end = async ({ timeout }: { timeout?: number | undefined } = {}): Promise<void> => {
    ending ??= (async () => {
      await base.end({ timeout: 0 });
      let timer: NodeJS.Timeout | undefined;
      const empty = new Promise<void>((resolve) => {
        onEmpty = resolve;
        if (connections.size === 0 && waiting.length === 0) resolve();
        if (timeout !== undefined && timeout !== null) timer = setTimeout(resolve, timeout * 1000);
      });
      for (const one of connections) retire(one);
      await empty;
      clearTimeout(timer);
      const closed = connectionError('CONNECTION_DESTROYED', 'the pool was closed');
      for (const waiter of waiting.splice(0)) waiter.reject(closed);
      for (const one of connections) one.destroy(closed);
      clearInterval(sweeper);
    })();
    return ending;
  };

  const own: Readonly<Record<string, unknown>> = {
    begin,
    end,
    close: end,
    unsafe: (...args: Parameters<typeof base.unsafe>) => adopt(base.unsafe(...args)),
    notify: (channel: string, payload: string) => adopt(base`select pg_notify(${channel}, ${payload})`),
    file: (...args: Parameters<typeof base.file>) => {
      const [path] = args;
      const made: unknown = adopt(base.file(...args));
      if (isQuery(made)) {
        made.handler = Object.assign(
          (query: DriverQuery) => {
            readFile(path, 'utf8', (error, text) => {
              if (error !== null) {
                query.reject(error);
                return;
              }
              query.strings = [text];
              dispatch(query);
            });
          },
          { debug: false },
        );
      }
      return made;
    },
    reserve: () =>
      Promise.reject(
        new TypeError('a reserved connection cannot survive the loss of its server: use begin or separate()'),
      ),
  };
  return new Proxy(base, {
    apply: (target, self, args: unknown[]) => adopt(Reflect.apply(target, self, args)),
    get: (target, name, receiver) =>
      typeof name === 'string' && Object.hasOwn(own, name) ? own[name] : Reflect.get(target, name, receiver),
  });
}

function isQuery(made: unknown): made is DriverQuery {
  return made instanceof Promise && 'handler' in made;
}

function connectionError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
