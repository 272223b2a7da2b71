import type postgres from 'postgres';

/** What is known about the connection of one running transaction. */
interface Fate {
  dead: boolean;
  /** Rejects when the connection is lost. */
  readonly death: Promise<never>;
  kill(reason: unknown): void;
}

type Work = (tx: postgres.TransactionSql) => unknown;
/** The part of postgres.js' query that is used here; `handler` sends it. */
interface Sendable {
  handler: (query: Sendable) => unknown;
  reject(reason: unknown): void;
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
export function makeTransactionsSafe(sql: postgres.Sql): void {
  // Distinguishes the overloads at run time, as postgres.js does.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const begin = sql.begin.bind(sql) as (options: string, work: Work) => Promise<unknown>;
  Object.assign(sql, {
    begin: (first: string | Work, second?: Work): Promise<unknown> => {
      const [options, work] = typeof first === 'string' ? [first, second] : ['', first];
      if (work === undefined) throw new TypeError('begin needs a function');
      const fate = newFate();
      const done = begin(options, (tx) => live(fate, work, guard(tx, fate)));
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

function newFate(): Fate {
  let rejectDeath: (reason: unknown) => void = ignore;
  const death = new Promise<never>((_, reject) => {
    rejectDeath = reject;
  });
  death.catch(ignore);
  const fate: Fate = {
    dead: false,
    death,
    kill: (reason) => {
      fate.dead = true;
      rejectDeath(reason);
    },
  };
  return fate;
}

function ignore(): void {}

// A callback that never settles keeps postgres.js from its ROLLBACK; it is collected with the transaction.
async function live(fate: Fate, work: Work, tx: postgres.TransactionSql): Promise<unknown> {
  try {
    const value: unknown = await work(tx);
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
        return (first: string | Work, second?: Work) => {
          if (fate.dead) return fate.death;
          const work = typeof first === 'string' ? second : first;
          const inner = (inside: postgres.TransactionSql): unknown =>
            live(fate, work ?? ignore, guard(inside, fate));
          const nested: unknown =
            typeof first === 'string'
              ? Reflect.apply(member, target, [first, inner])
              : Reflect.apply(member, target, [inner]);
          return Promise.race([nested, fate.death]);
        };
      }
      if (name === 'unsafe' || name === 'file') {
        return (...args: unknown[]) => watch(Reflect.apply(member, target, args), fate);
      }
      return member;
    },
  });
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
    query.catch((reason) => {
      if (isLoss(reason)) fate.kill(reason);
    });
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
  /^(CONNECTION_(CLOSED|DESTROYED|ENDED)|CONNECT_TIMEOUT|ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENET[A-Z]+)$/;

// PostgreSQL closes the connection after every FATAL or PANIC.
function isLoss(reason: unknown): boolean {
  if (typeof reason !== 'object' || reason === null) return false;
  const severity: unknown = 'severity' in reason ? reason.severity : undefined;
  const code: unknown = 'code' in reason ? reason.code : undefined;
  return severity === 'FATAL' || severity === 'PANIC' || (typeof code === 'string' && LOST.test(code));
}
