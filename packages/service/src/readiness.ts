import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './log.ts';

/** Something that requests need; `check` rejects while it does not work. */
export interface ReadinessCheck {
  readonly name: string;
  check(signal: AbortSignal): Promise<void>;
  /**
   * Whether the service can serve nothing without it. Otherwise its failure degrades the service, which stays ready: a
   * balancer that took out every instance would make things worse. Default true.
   */
  readonly isRequired?: boolean;
  /** Default 2,000 ms. */
  readonly timeoutMs?: number;
}

/** The sorted names of the checks that fail or are late. */
export interface ReadinessResult {
  /** The service is not ready because of these. */
  readonly failing: readonly string[];
  /** The service is ready without these. */
  readonly degraded: readonly string[];
}

/** Runs readiness checks, all at once and one run at a time, however many ask. */
export class Readiness {
  readonly #checks: ReadinessCheck[] = [];
  readonly #logger: Logger;
  readonly #clock: Clock;
  #running: Promise<ReadinessResult> | undefined;
  #last: ReadinessResult = { failing: [], degraded: [] };

  constructor(logger: Logger, clock: Clock = systemClock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  add(check: ReadinessCheck): void {
    this.#checks.push(check);
  }

  /** The names of all checks, and whether each passed when it last ran; a check that never ran counts as passed. */
  get latest(): readonly { readonly name: string; readonly passed: boolean }[] {
    const { failing, degraded } = this.#last;
    return this.#checks.map(({ name }) => ({ name, passed: ![...failing, ...degraded].includes(name) }));
  }

  /** Runs the checks. */
  run(): Promise<ReadinessResult> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<ReadinessResult> {
    const results = await Promise.all(
      this.#checks.map(async (check) => ((await this.#passes(check)) ? [] : [check])),
    );
    const found = results.flat();
    const failing = namesOf(found.filter(({ isRequired = true }) => isRequired));
    const degraded = namesOf(found.filter(({ isRequired = true }) => !isRequired));
    const hasChanged =
      failing.join() !== this.#last.failing.join() || degraded.join() !== this.#last.degraded.join();
    this.#last = { failing, degraded };
    if (hasChanged) {
      if (failing.length > 0) this.#logger.warn({ failing, degraded }, 'not ready');
      else if (degraded.length > 0) this.#logger.warn({ degraded }, 'ready, but degraded');
      else this.#logger.info('ready again');
    }
    return this.#last;
  }

  async #passes(check: ReadinessCheck): Promise<boolean> {
    const stop = new AbortController();
    try {
      const late = this.#clock.sleep(check.timeoutMs ?? 2000, stop.signal).then(() => false);
      return await Promise.race([check.check(stop.signal).then(() => true), late]);
    } catch (error) {
      this.#logger.debug({ check: check.name, err: error }, 'a readiness check failed');
      return false;
    } finally {
      stop.abort();
    }
  }
}

function namesOf(checks: readonly ReadinessCheck[]): readonly string[] {
  return checks.map(({ name }) => name).toSorted();
}
