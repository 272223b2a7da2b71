import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as v from 'valibot';
import { decideStep } from './decide-step.ts';
import { ExecutionLogError } from './errors.ts';
import { holdLease } from './hold-lease.ts';
import type { Claim, DoneRow, ExecutionRow, ExecutionStore, Holder } from './store/execution-store.ts';
import { MAX_RESULT_BYTES, readResult, toOutcome } from './to-outcome.ts';

/** What a provider knows of a key. */
export type LookUp<T> =
  | { readonly kind: 'done'; readonly result: T }
  | { readonly kind: 'notDone' }
  /** It cannot tell. The key stays in doubt. */
  | { readonly kind: 'unknown' };

/**
 * What happens to an effect that was started and whose outcome nobody recorded:
 *
 * - `lookUp`: the provider is asked. Done: that is the result. Not done: it runs. `lookUp` must not answer `notDone` while
 *   the first request may still be on its way.
 * - `retry`: it runs again. Right only if a repeat has no further effect, for example because the provider knows the key.
 * - `refuse`: EXECUTION_IN_DOUBT. A person looks, and settles it.
 */
export type InDoubtPolicy<T> =
  | { readonly kind: 'lookUp'; readonly lookUp: (key: string, signal: AbortSignal) => Promise<LookUp<T>> }
  | { readonly kind: 'retry' }
  | { readonly kind: 'refuse' };

/** What the effect is handed. */
export interface Execution {
  readonly key: string;
  /** Greater than that of every claim before; for providers that refuse an older one. */
  readonly fence: bigint;
  /** Aborts when somebody else may have taken over, and when the caller's signal does. Hand it to `fetch`. */
  readonly signal: AbortSignal;
}

/** Options of {@link ExecutionLog.once}. */
export interface OnceOptions<T> {
  readonly inDoubt: InDoubtPolicy<T>;
  /** What the effect returns, as JSON gives it back. */
  readonly result: v.GenericSchema<unknown, T>;
  /** What is asked for, as text: the same key with another request is refused. Only its hash is stored. */
  readonly request?: string;
  /** Whether an error of the effect is known to mean that nothing happened; default: none is, and the key is in doubt. */
  readonly isNotDone?: (error: unknown) => boolean;
  /** How long after the death of its runner a key is in doubt, in milliseconds; default 30,000, at least 1,000. */
  readonly leaseMs?: number;
  /** How long to wait for another caller of the same key, in milliseconds; default 30,000. */
  readonly waitMs?: number;
  /** How long a result is kept after it was last asked for, in milliseconds; default 90 days, at least one. */
  readonly keepMs?: number;
  /** How long to try to record what is done while the database is away, in milliseconds; default 30,000. */
  readonly recordMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs effects once per key. */
export interface ExecutionLog {
  /**
   * Runs `effect` unless it is done already, and returns its result, or that of whoever ran it. Of several callers one
   * runs, and the others wait for it. Several processes may die at any point: what was started and not recorded is never run
   * again without `inDoubt` saying so.
   *
   * @throws {ExecutionLogError} and what the effect throws; DatabaseError where the log cannot be reached, before anything ran
   */
  once<T>(key: string, effect: (execution: Execution) => Promise<T>, options: OnceOptions<T>): Promise<T>;
}

const DAY_MS = 86_400_000;
const POLL_MS = { first: 20, most: 1000 };

/** Creates a log on a store. */
export function createExecutionLog(store: ExecutionStore): ExecutionLog {
  return { once: async (key, effect, options) => new Caller(store, key, effect, options).call() };
}

/** Makes a statement again while the database is away, until `until` or the caller leaves. */
async function repeat<R>(statement: () => Promise<R>, until: number, signal?: AbortSignal): Promise<R> {
  for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
    try {
      return await statement();
    } catch (error) {
      const isFinal = error instanceof Error && 'retryable' in error && error.retryable === false;
      if (isFinal || performance.now() >= until) throw error;
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** One call of `once`. */
class Caller<T> {
  readonly #store: ExecutionStore;
  readonly #key: string;
  readonly #effect: (execution: Execution) => Promise<T>;
  readonly #options: OnceOptions<T>;
  readonly #terms: Pick<Claim, 'leaseMs' | 'keepMs'>;
  readonly #request: string | null;
  /** What this call has claimed and not run, if the claim was ours. */
  #claimed: { readonly fence: bigint; readonly at: number } | null = null;

  constructor(
    store: ExecutionStore,
    key: string,
    effect: (execution: Execution) => Promise<T>,
    options: OnceOptions<T>,
  ) {
    const { leaseMs = 30_000, keepMs = 90 * DAY_MS, request } = options;
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      throw new ExecutionLogError(
        'EXECUTION_KEY_INVALID',
        key.slice(0, 255),
        'a key has 1 to 255 printable ASCII characters without spaces; make one with idempotencyKey',
      );
    if (!(leaseMs >= 1000)) throw new TypeError('once: leaseMs has to be at least 1,000');
    if (!(keepMs >= DAY_MS))
      throw new TypeError('once: keepMs has to be at least a day: a retry may come late');
    this.#store = store;
    this.#key = key;
    this.#effect = effect;
    this.#options = options;
    this.#terms = { leaseMs, keepMs: Math.ceil(keepMs) };
    this.#request = request === undefined ? null : createHash('sha256').update(request).digest('hex');
  }

  async call(): Promise<T> {
    let next: () => Promise<T>;
    try {
      next = await this.#decide();
    } catch (error) {
      // Nothing ran under it: it is no doubt of anybody's.
      if (this.#claimed !== null) await this.#forget({ key: this.#key, fence: this.#claimed.fence });
      throw error;
    }
    return next();
  }

  /** Claims the key, or waits for others, until it is known how this call goes on. */
  async #decide(): Promise<() => Promise<T>> {
    const { waitMs = 30_000, signal } = this.#options;
    const waitsUntil = performance.now() + waitMs;
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
      signal?.throwIfAborted();
      const row = await this.#find(waitsUntil);
      const claimed = this.#claimed;
      const step = decideStep(row, { fence: claimed?.fence ?? null, request: this.#request });
      switch (step.kind) {
        case 'claim':
          await this.#claim(waitsUntil);
          break;
        case 'run':
          return () => this.#run(step.fence, { since: claimed?.at ?? 0, mayHaveHappened: false });
        case 'return':
          return () => this.#resultOf(step.row);
        case 'mismatch':
          throw this.#fail('EXECUTION_MISMATCH', 'was used before for another request');
        case 'wait':
          if (performance.now() >= waitsUntil)
            throw this.#fail(
              'EXECUTION_BUSY',
              `is still being executed by another caller after ${waitMs} ms`,
            );
          await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
          break;
        case 'resolveDoubt': {
          if (this.#options.inDoubt.kind === 'refuse') throw this.#inDoubt();
          // Reserved after that of whoever had it before; one that was reserved for an earlier try may be older.
          const fence = await this.#store.nextFence();
          const since = performance.now();
          if (await this.#store.takeOver({ key: this.#key, fence: step.from }, fence, this.#terms))
            return () => this.#resolveDoubt(fence, since);
        }
      }
    }
  }

  /** Whether it was ours says the next look, so an answer that is lost does not matter. */
  async #claim(waitsUntil: number): Promise<void> {
    const fence = await this.#store.nextFence();
    this.#claimed = { fence, at: performance.now() };
    const claim = { key: this.#key, request: this.#request, ...this.#terms };
    // With the same fence: one that is still on its way is then ours as well.
    await repeat(() => this.#store.claim(claim, fence), waitsUntil, this.#options.signal);
  }

  /** What the log holds. Once it may hold a claim of ours, an outage is no reason to leave. */
  async #find(waitsUntil: number): Promise<ExecutionRow | null> {
    const find = (): Promise<ExecutionRow | null> => this.#store.find(this.#key);
    const row = await (this.#claimed === null ? find() : repeat(find, waitsUntil, this.#options.signal));
    if (row !== null && row.fence !== this.#claimed?.fence) this.#claimed = null;
    return row;
  }

  async #resolveDoubt(fence: bigint, since: number): Promise<T> {
    const { inDoubt } = this.#options;
    if (inDoubt.kind !== 'lookUp') return this.#run(fence, { since, mayHaveHappened: true });
    const holder = { key: this.#key, fence };
    const lease = holdLease(this.#store, holder, this.#terms.leaseMs, since);
    let found: LookUp<T>;
    try {
      found = await inDoubt.lookUp(this.#key, this.#signalWith(lease.signal));
    } catch (error) {
      await this.#release(holder);
      throw error;
    } finally {
      await lease.end();
    }
    switch (found.kind) {
      case 'done':
        return this.#record(holder, found.result);
      case 'notDone':
        return this.#run(fence, { since: performance.now() - this.#terms.leaseMs, mayHaveHappened: false });
      case 'unknown':
        await this.#release(holder);
        throw this.#inDoubt();
    }
  }

  /** Runs the effect with a lease that was taken at `since`, unless somebody else has taken over meanwhile. */
  async #run(
    fence: bigint,
    { since, mayHaveHappened }: { readonly since: number; readonly mayHaveHappened: boolean },
  ): Promise<T> {
    const holder = { key: this.#key, fence };
    // An earlier attempt stays in doubt, whatever is known of this one.
    const leave = (): Promise<void> => (mayHaveHappened ? this.#release(holder) : this.#forget(holder));
    let leasedAt = since;
    if (performance.now() - since > this.#terms.leaseMs / 3) {
      leasedAt = performance.now();
      let isHeld: boolean;
      try {
        isHeld = await this.#store.renew(holder, this.#terms.leaseMs);
      } catch (error) {
        await leave();
        throw error;
      }
      if (!isHeld) {
        this.#claimed = null;
        return this.call();
      }
    }
    const lease = holdLease(this.#store, holder, this.#terms.leaseMs, leasedAt);
    try {
      const signal = this.#signalWith(lease.signal);
      // Aborted before it began, it has not happened.
      if (signal.aborted) {
        await leave();
        signal.throwIfAborted();
      }
      let result: T;
      try {
        result = await this.#effect({ key: this.#key, fence, signal });
      } catch (error) {
        await (this.#isNotDone(error) ? leave() : this.#release(holder));
        throw error;
      }
      return await this.#record(holder, result);
    } finally {
      await lease.end();
    }
  }

  async #record(holder: Holder, result: T): Promise<T> {
    const { recordMs = 30_000 } = this.#options;
    const outcome = toOutcome(this.#options.result, result);
    const until = performance.now() + recordMs;
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 2, POLL_MS.most)) {
      try {
        if (await this.#store.complete(holder, outcome, this.#terms.keepMs)) break;
        await this.#store.markOverrun(this.#key);
        throw this.#fail(
          'EXECUTION_LEASE_LOST',
          'was taken over by another caller while it ran, so its effect may have happened twice',
        );
      } catch (error) {
        if (error instanceof ExecutionLogError) throw error;
        if (performance.now() >= until)
          throw this.#fail(
            'EXECUTION_UNRECORDED',
            'is done, and could not be recorded; it is in doubt',
            error,
          );
        await sleep(pauseMs);
      }
    }
    if (outcome.resultProblem !== null) throw this.#invalid(outcome.resultProblem);
    return result;
  }

  async #resultOf(row: DoneRow): Promise<T> {
    // A repeat that comes within `keepMs` finds it, and so does the one after.
    await this.#store.keep(this.#key, this.#terms.keepMs);
    if (row.resultProblem !== null) throw this.#invalid(row.resultProblem);
    const parsed = readResult(this.#options.result, row.result);
    if (!parsed.isValid) throw this.#invalid('invalid');
    return parsed.result;
  }

  /** Best effort: without it, the lease ends by itself. */
  async #release(holder: Holder): Promise<void> {
    await this.#store.release(holder).catch(() => undefined);
  }

  /** What is not forgotten in time is in doubt, although nothing happened. */
  async #forget(holder: Holder): Promise<void> {
    const { recordMs = 30_000 } = this.#options;
    const until = performance.now() + recordMs;
    await repeat(() => this.#store.forget(holder), until).catch(() => undefined);
  }

  #isNotDone(error: unknown): boolean {
    try {
      return this.#options.isNotDone?.(error) === true;
    } catch {
      // It does not know this error.
      return false;
    }
  }

  #signalWith(lease: AbortSignal): AbortSignal {
    const { signal } = this.#options;
    return signal === undefined ? lease : AbortSignal.any([lease, signal]);
  }

  #inDoubt(): ExecutionLogError {
    return this.#fail(
      'EXECUTION_IN_DOUBT',
      'was started, and its outcome is not known; look at the provider, then settle it',
    );
  }

  #invalid(problem: 'invalid' | 'too_large'): ExecutionLogError {
    return this.#fail(
      'EXECUTION_RESULT_INVALID',
      problem === 'too_large'
        ? `is done, and its result is larger than ${MAX_RESULT_BYTES} bytes, so it is not stored`
        : 'is done, and its result does not fit its schema',
    );
  }

  #fail(code: ExecutionLogError['code'], what: string, cause?: unknown): ExecutionLogError {
    return new ExecutionLogError(code, this.#key, `execution ${this.#key} ${what}`, cause);
  }
}
