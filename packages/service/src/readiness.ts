import { type Clock, systemClock } from './clock.ts';
import type { Logger } from './log.ts';

/** Something without which requests cannot be served; `check` rejects while it does not work. */
export interface ReadinessCheck {
  readonly name: string;
  check(signal: AbortSignal): Promise<void>;
  /** Default 2,000 ms. */
  readonly timeoutMs?: number;
}

/** Runs readiness checks, all at once and one run at a time, however many ask. */
export class Readiness {
  readonly #checks: ReadinessCheck[] = [];
  readonly #logger: Logger;
  readonly #clock: Clock;
  #running: Promise<readonly string[]> | undefined;
  #lastFailing = '';

  constructor(logger: Logger, clock: Clock = systemClock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  add(check: ReadinessCheck): void {
    this.#checks.push(check);
  }

  /** Returns the sorted names of the checks that fail or are late; empty when all is well. */
  failing(): Promise<readonly string[]> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<readonly string[]> {
    const results = await Promise.all(
      this.#checks.map(async (check) => ((await this.#passes(check)) ? [] : [check.name])),
    );
    const failing = results.flat().toSorted();
    const summary = failing.join(', ');
    if (summary !== this.#lastFailing) {
      this.#lastFailing = summary;
      if (summary === '') this.#logger.info('ready again');
      else this.#logger.warn({ failing }, 'not ready');
    }
    return failing;
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
