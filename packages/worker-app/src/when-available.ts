import { isDatabaseError, isUnavailable } from '@heliograph/database';
import { systemClock, type Clock, type Logger, type ServicePart } from '@heliograph/service';
import type { MigrationContext } from './app-options.ts';

const RETRY_MS = 5000;

/** What retries need of their app. */
interface Surroundings {
  readonly logger: Logger;
  readonly register: (part: ServicePart) => void;
  readonly fail: (error: unknown) => void;
  readonly clock?: Clock;
}

/** Creates `whenAvailable` of {@link MigrationContext}. */
export function createWhenAvailable(app: Surroundings): MigrationContext['whenAvailable'] {
  return async (what, run) => {
    try {
      await run();
    } catch (error) {
      if (!isTransient(error)) throw error;
      app.logger.warn({ what, err: error }, 'starting without a database that is unavailable');
      retryInBackground(app, what, run);
    }
  };
}

function retryInBackground(
  { logger, register, fail, clock = systemClock }: Surroundings,
  what: string,
  run: () => Promise<unknown>,
): void {
  const stop = new AbortController();
  const retry = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(RETRY_MS, stop.signal);
      if (stop.signal.aborted) return;
      try {
        await run();
        logger.info({ what }, 'the database is available');
        return;
      } catch (error) {
        if (!isTransient(error)) {
          fail(error);
          return;
        }
      }
    }
  };
  const running = retry();
  register({
    name: what,
    async stop() {
      stop.abort();
      await running;
    },
  });
}

function isTransient(error: unknown): boolean {
  return isUnavailable(error) || (isDatabaseError(error) && error.retryable);
}
