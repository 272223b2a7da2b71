import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { DatabaseError } from './errors.ts';
import { isLoss, makeTransactionsSafe } from './safe-transactions.ts';

/** The part of postgres.js' query that is used here. */
export interface DriverQuery {
  handler: (query: DriverQuery) => unknown;
  canceller: (query: DriverQuery) => unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
  readonly options: object;
  readonly describeFirst?: boolean;
  readonly onlyDescribe?: boolean;
  readonly cursorFn?: unknown;
  cancelled: unknown;
  strings: readonly string[];
}

/** Something that waits for an answer of the server. */
export interface Pending {
  /** Its deadline on `performance.now`; infinite while it is our side that lets the server wait. */
  until: number;
  reject: (reason: unknown) => void;
}

/** Options of {@link openConnection}. */
export interface ConnectionOptions {
  /** Before dialing. */
  readonly delayMs: number;
  readonly connectTimeoutMs: number;
  /** How long anything may wait for the server's answer; may be infinite. */
  readonly queryTimeoutMs: number;
  /** The last answer has arrived; the connection is free, or free for more. */
  readonly onAnswer: (connection: SingleConnection) => void;
  /** The connection is gone, or was ended; called once. */
  readonly onGone: (connection: SingleConnection, reason: unknown) => void;
}

/** One session of the server. It is never opened again: when it is lost, it is thrown away. */
export interface SingleConnection {
  readonly sql: postgres.Sql;
  readonly pending: Set<Pending>;
  /** Whether it has ever answered. */
  readonly hasAnswered: boolean;
  readonly isGone: boolean;
  /** Whether one more query would wait inside the driver instead of being sent behind the others. */
  readonly isFull: boolean;
  /** Held by a transaction or a reservation. */
  isHeld: boolean;
  readonly openedAt: number;
  /** When it last answered something other than a probe. */
  readonly idleSince: number;
  /** When it last answered. */
  readonly answeredAt: number;
  send(query: DriverQuery): void;
  cancel(query: DriverQuery): unknown;
  /** Registers something that waits for the server; what it returns says that it waits no more. */
  track(reject: (reason: unknown) => void): () => void;
  /** Asks whether the server is still there; no answer within `timeoutMs` is a deadline missed. */
  probe(timeoutMs: number): void;
  /** Destroys the socket and rejects what waits. */
  destroy(reason: unknown): void;
  /** Says goodbye to the server; for a connection without pending work. */
  end(): void;
}

/**
 * Opens one connection: a pool of postgres.js of size one, which is thrown away with its connection. postgres.js 3.4
 * opens a lost connection again but keeps parts of its state: a query that was handed over between the socket's `error`
 * and its `close` stays in the list of sent ones and is never sent; bytes that
 * were about to be written keep the next socket from ever sending; and a server that closes during the start of a
 * session is dialed again without end.
 */
export function openConnection(
  driverOptions: postgres.ParsedOptions,
  options: ConnectionOptions,
): SingleConnection {
  let socket: Socket | undefined;
  let isGone = false;
  let isFull = true;
  let hasAnswered = false;
  let idleSince = performance.now();
  let answeredAt = idleSince;
  const pending = new Set<Pending>();

  const dial = async (): Promise<Socket> => {
    // A second dial is the driver's request to cancel a query, or its attempt to open a lost connection again.
    if (isGone || socket?.destroyed === true) {
      const reason = lost('CONNECTION_CLOSED');
      gone(reason);
      throw reason;
    }
    const isFirst = socket === undefined;
    if (isFirst && options.delayMs > 0) await sleep(options.delayMs);
    const dialed = await dialServer(driverOptions, options.connectTimeoutMs, (made) => {
      if (isFirst) socket = made;
      if (isGone) made.destroy();
    });
    return dialed;
  };

  const own = {
    ...driverOptions,
    max: 1,
    no_subscribe: true,
    socket: dial,
    onclose: () => gone(lost('CONNECTION_CLOSED')),
  };
  // The driver takes options that were parsed before as they are; its own `listen` relies on that.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const sql: postgres.Sql = postgres(own as unknown as postgres.Options<Record<string, never>>);
  // A query that is never sent, for what sends and cancels the queries of this connection.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { handler, canceller } = sql`` as unknown as DriverQuery;

  function gone(reason: unknown): void {
    if (isGone) return;
    isGone = true;
    for (const one of pending) one.reject(reason);
    pending.clear();
    socket?.destroy();
    void sql.end({ timeout: 0 });
    options.onGone(connection, reason);
  }

  const answered = (one: Pending): void => {
    if (!pending.delete(one)) return;
    hasAnswered = true;
    answeredAt = performance.now();
    if (pending.size === 0) {
      isFull = false;
      idleSince = answeredAt;
    }
    if (!isGone) options.onAnswer(connection);
  };

  const connection: SingleConnection = {
    sql,
    pending,
    isHeld: false,
    openedAt: idleSince,
    get hasAnswered() {
      return hasAnswered;
    },
    get isGone() {
      return isGone;
    },
    get isFull() {
      return isFull;
    },
    get idleSince() {
      return idleSince;
    },
    get answeredAt() {
      return answeredAt;
    },
    send(query) {
      const one: Pending = { until: performance.now() + options.queryTimeoutMs, reject: query.reject };
      pending.add(one);
      if (query.cursorFn !== undefined) followCursor(query, one, answered, gone, options.queryTimeoutMs);
      else follow(query, one, answered, gone);
      handler(query);
      if (query.describeFirst === true || query.onlyDescribe === true || query.cursorFn !== undefined)
        isFull = true;
    },
    cancel: (query) => canceller(query),
    track(reject) {
      const one: Pending = { until: performance.now() + options.queryTimeoutMs, reject };
      pending.add(one);
      return () => answered(one);
    },
    probe(timeoutMs) {
      const was = idleSince;
      const one: Pending = { until: performance.now() + timeoutMs, reject: ignore };
      pending.add(one);
      const ask = async (): Promise<void> => {
        await sql`select 1`;
        answered(one);
        if (pending.size === 0) idleSince = was;
      };
      ask().catch(gone);
    },
    destroy: gone,
    end() {
      if (isGone) return;
      isGone = true;
      void sql.end({ timeout: 1 }).then(() => socket?.destroy());
      options.onGone(connection, undefined);
    },
  };
  makeTransactionsSafe(sql, (reject) => connection.track(reject));
  return connection;
}

function ignore(): void {}

function lost(code: string): Error {
  return Object.assign(new Error('the connection to PostgreSQL was lost'), { code });
}

function follow(
  query: DriverQuery,
  one: Pending,
  answered: (one: Pending) => void,
  gone: (reason: unknown) => void,
): void {
  const { resolve, reject } = query;
  query.resolve = (value) => {
    if (isStream(value)) {
      // COPY: the connection is taken until the last byte, at the pace of our side.
      one.until = Infinity;
      value.once('close', () => answered(one));
    } else answered(one);
    resolve(value);
  };
  query.reject = (reason) => {
    reject(reason);
    if (isLoss(reason)) gone(reason);
    else answered(one);
  };
}

function isStream(value: unknown): value is NodeJS.EventEmitter {
  return typeof value === 'object' && value !== null && 'once' in value && typeof value.once === 'function';
}

// A cursor replaces these functions of its query with every page, and the time between pages is ours.
function followCursor(
  query: DriverQuery,
  one: Pending,
  answered: (one: Pending) => void,
  gone: (reason: unknown) => void,
  timeoutMs: number,
): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  let { resolve, reject, cursorFn } = query as {
    resolve: DriverQuery['resolve'];
    reject: DriverQuery['reject'];
    cursorFn: (rows: unknown) => unknown;
  };
  one.reject = (reason) => reject(reason);
  Object.defineProperties(query, {
    resolve: {
      get: () => (value: unknown) => {
        answered(one);
        resolve(value);
      },
      set: (next: typeof resolve) => {
        resolve = next;
      },
    },
    reject: {
      get: () => (reason: unknown) => {
        reject(reason);
        if (isLoss(reason)) gone(reason);
        else answered(one);
      },
      set: (next: typeof reject) => {
        reject = next;
      },
    },
    cursorFn: {
      get: () => async (rows: unknown) => {
        one.until = Infinity;
        try {
          return await cursorFn(rows);
        } finally {
          one.until = performance.now() + timeoutMs;
        }
      },
      set: (next: typeof cursorFn) => {
        cursorFn = next;
      },
    },
  });
}

/** Connects to the first server that answers. */
async function dialServer(
  driverOptions: postgres.ParsedOptions,
  timeoutMs: number,
  onMade: (socket: Socket) => void,
): Promise<Socket> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { host, port, path } = driverOptions as unknown as {
    readonly host: readonly string[];
    readonly port: readonly number[];
    readonly path: string | false;
  };
  const targets =
    typeof path === 'string'
      ? [{ path }]
      : host.map((name, index) => ({ host: name, port: port[index] ?? 5432 }));
  let failure: unknown;
  for (const target of targets) {
    const socket = connect(target);
    onMade(socket);
    try {
      await connected(socket, timeoutMs);
      // The driver takes the server's name for TLS from here.
      return Object.assign(socket, target);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function connected(socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new DatabaseError('DATABASE_UNAVAILABLE', 'connect to PostgreSQL: no answer in time', {
          retryable: true,
          driverCode: 'CONNECT_TIMEOUT',
        }),
      );
      socket.destroy();
    }, timeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(lost('CONNECTION_CLOSED'));
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners();
      resolve();
    });
  });
}
