import type postgres from 'postgres';

/** What is known about the connection of one running transaction. */
interface Fate {
  dead: boolean;
  /** Rejects when the connection is lost. */
  readonly death: Promise<never>;
  readonly kill: (reason: unknown) => void;
  readonly track: Track;
}

/** Bounds something that waits for the server: `reject` is called when it takes too long. */
export type Track = (reject: (reason: unknown) => void) => () => void;

type Work = (tx: postgres.TransactionSql) => unknown;
/** The part of postgres.js' query that is used here; `handler` sends it. */
interface Sendable {
  handler: (query: Sendable) => unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
  catch(onRejected: (reason: unknown) => void): unknown;
}

/**
 * Replaces `begin` of a pool, which drizzle's transactions use as well. When a connection is lost in the
 * middle of a transaction, postgres.js 3.4 goes on to send statements, at least its own ROLLBACK: they
 * throw where nobody can catch it (`Cannot read properties of null (reading 'write')`), leave a connection
 * behind that never works again, or run outside the transaction once the connection is back. With this, the
 * transaction rejects with the error of the loss and nothing more is sent.
 * `reserve` has the same fault without a place to mend it, and is refused.
 */
export function makeTransactionsSafe(sql: postgres.Sql, track: Track): void {
  // Distinguishes the overloads at run time, as postgres.js does.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const begin = sql.begin.bind(sql) as (options: string, work: Work) => Promise<unknown>;
  Object.assign(sql, {
    begin: (first: string | Work, second?: Work): Promise<unknown> => {
      const [options, work] = typeof first === 'string' ? [first, second] : ['', first];
      if (work === undefined) throw new TypeError('begin needs a function');
      const fate = newFate(track);
      const done = bounded(fate, work, (inner) => begin(options, inner));
      // Only `begin` reports a connection that was lost between two statements.
      done.catch((reason: unknown) => {
        if (isLoss(reason)) fate.kill(reason);
      });
      return Promise.race([done, fate.death]);
    },
    reserve: () =>
      Promise.reject(
        new TypeError('a reserved connection cannot survive the loss of its server: use begin or separate()'),
      ),
  });
}

function newFate(track: Track): Fate {
  let rejectDeath: (reason: unknown) => void = ignore;
  const death = new Promise<never>((_, reject) => {
    rejectDeath = reject;
  });
  death.catch(ignore);
  const fate: Fate = {
    dead: false,
    death,
    track,
    kill: (reason) => {
      fate.dead = true;
      rejectDeath(reason);
    },
  };
  return fate;
}

function ignore(): void {}

// The driver's own statements, before and after the work, wait for the server as well.
async function bounded(fate: Fate, work: Work, run: (inner: Work) => Promise<unknown>): Promise<unknown> {
  let answered = fate.track(fate.kill);
  try {
    return await run(async (tx) => {
      answered();
      try {
        return await live(fate, work, guard(tx, fate));
      } finally {
        answered = fate.track(fate.kill);
      }
    });
  } finally {
    answered();
  }
}

// A callback that never settles keeps postgres.js from its ROLLBACK; it is collected with the transaction.
async function live(fate: Fate, work: Work, tx: postgres.TransactionSql): Promise<unknown> {
  try {
    const made = work(tx);
    const value: unknown = await (Array.isArray(made) ? Promise.all(made) : made);
    return await (fate.dead ? never() : value);
  } catch (error) {
    if (fate.dead) return never();
    throw error;
  }
}

function never(): Promise<never> {
  return new Promise<never>(ignore);
}

function guard(tx: postgres.TransactionSql, fate: Fate): postgres.TransactionSql {
  return new Proxy(tx, {
    apply: (target, self, args: unknown[]) => watch(Reflect.apply(target, self, args), fate),
    get: (target, name, receiver) => {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      if (name === 'savepoint') {
        return (...args: unknown[]): Promise<unknown> => savepoint(target, member, args, fate);
      }
      if (name === 'unsafe' || name === 'file') {
        return (...args: unknown[]) => watch(Reflect.apply(member, target, args), fate);
      }
      return member;
    },
  });
}

function savepoint(
  tx: postgres.TransactionSql,
  // oxlint-disable-next-line typescript/no-unsafe-function-type
  member: Function,
  args: readonly unknown[],
  fate: Fate,
): Promise<unknown> {
  if (fate.dead) return fate.death;
  const [first] = args;
  // The driver also takes it as the tag of a template: one statement in a savepoint.
  const isTag = Array.isArray(first);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const work = (
    isTag ? (inside: postgres.TransactionSql) => Reflect.apply(inside, undefined, args) : args.at(-1)
  ) as Work;
  const nested = bounded(fate, work, (inner) =>
    Promise.resolve(Reflect.apply(member, tx, typeof first === 'string' ? [first, inner] : [inner])),
  );
  nested.catch(ignore);
  return Promise.race([nested, fate.death]);
}

// Queries are lazy: what counts is the moment at which one is sent.
function watch(made: unknown, fate: Fate): unknown {
  if (!isSendable(made)) return made;
  const send = made.handler;
  const guarded = (query: Sendable): unknown => {
    if (fate.dead) {
      query.reject(
        Object.assign(new Error('the connection of this transaction was lost'), {
          code: 'CONNECTION_CLOSED',
        }),
      );
      return undefined;
    }
    const answered = fate.track((reason) => query.reject(reason));
    const { resolve, reject } = query;
    query.resolve = (value) => {
      answered();
      resolve(value);
    };
    query.reject = (reason) => {
      if (isLoss(reason)) fate.kill(reason);
      answered();
      reject(reason);
    };
    return send(query);
  };
  made.handler = Object.assign(guarded, send);
  return made;
}

function isSendable(made: unknown): made is Sendable {
  return (
    typeof made === 'object' &&
    made !== null &&
    'handler' in made &&
    typeof made.handler === 'function' &&
    'reject' in made
  );
}

const LOST =
  /^(DATABASE_TIMEOUT|DATABASE_UNAVAILABLE|CONNECTION_(CLOSED|DESTROYED|ENDED)|CONNECT_TIMEOUT|ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENET[A-Z]+)$/;

/** Whether an error means that its connection is gone. PostgreSQL closes the connection after every FATAL or PANIC. */
export function isLoss(reason: unknown): boolean {
  if (typeof reason !== 'object' || reason === null) return false;
  const severity: unknown = 'severity' in reason ? reason.severity : undefined;
  const code: unknown = 'code' in reason ? reason.code : undefined;
  return severity === 'FATAL' || severity === 'PANIC' || (typeof code === 'string' && LOST.test(code));
}
