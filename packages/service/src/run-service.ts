import { type Clock, systemClock } from './clock.ts';
import type { Env } from './config.ts';
import { deferred } from './deferred.ts';
import { summarizeError } from './error-summary.ts';
import type { Logger } from './log.ts';

/** What a service needs from its process; a test supplies its own. */
export interface ServiceHost {
  readonly env: Env;
  exit(code: number): void;
  /** Writes one line for the person at the terminal, on stderr. */
  writeLine(line: string): void;
  /** Calls back for each SIGTERM and SIGINT; returns how to unsubscribe. */
  onSignal(listener: (signal: string) => void): () => void;
  /** Calls back for uncaught errors; returns how to unsubscribe. */
  onFatal(listener: (kind: 'unhandledRejection' | 'uncaughtException', error: unknown) => void): () => void;
}

/** The real process. */
export const processHost: ServiceHost = {
  env: process.env,
  exit: (code) => process.exit(code),
  writeLine: (line) => void process.stderr.write(`${line}\n`),
  onSignal: (listener) => {
    process.on('SIGTERM', listener).on('SIGINT', listener);
    return () => void process.off('SIGTERM', listener).off('SIGINT', listener);
  },
  onFatal: (listener) => {
    const rejected = (reason: unknown): void => listener('unhandledRejection', reason);
    const thrown = (error: unknown): void => listener('uncaughtException', error);
    process.on('unhandledRejection', rejected).on('uncaughtException', thrown);
    return () => void process.off('unhandledRejection', rejected).off('uncaughtException', thrown);
  },
};

/** Something that has been started and must be stopped. */
export interface ServicePart {
  readonly name: string;
  /** Receives its deadline, so that it can close whatever does not end by itself. */
  stop(deadlineMs: number): Promise<unknown>;
  /** Default: the service's `partDeadlineMs`. */
  readonly deadlineMs?: number;
}

/** What `start` is given. */
export interface ServiceContext {
  readonly env: Env;
  /** Is aborted when the service begins to stop: hand it to the edge and to loops. */
  readonly draining: AbortSignal;
  /**
   * Parts are stopped in the reverse order of their registration: register telemetry first, the HTTP server last, and
   * each as soon as it exists. A part that is registered after all others were stopped is stopped at once.
   */
  register(part: ServicePart): void;
  /** Until this is called, a failure is only written to stderr. */
  useLogger(logger: Logger): void;
  /** Overrides `drainDelayMs` of the options. Call it once the service is ready: before, nobody has to notice its stop. */
  setDrainDelay(delayMs: number): void;
  /** Reports that a part died: the service stops in order and exits with 1. */
  fail(error: unknown): void;
}

/** Options of {@link runService}. */
export interface ServiceOptions {
  readonly name: string;
  /** Starts everything and returns when the service is ready. */
  start(context: ServiceContext): Promise<void>;
  readonly host?: ServiceHost;
  readonly clock?: Clock;
  /** Default deadline of a part; default 10,000 ms. */
  readonly partDeadlineMs?: number;
  /**
   * Pause between "not ready" and the first stop, so that balancers notice; the service still serves. Default 0 ms. A
   * failed start has no pause.
   */
  readonly drainDelayMs?: number;
}

type Stop =
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'failure'; readonly error: unknown };

/**
 * Runs a service until SIGTERM, SIGINT or the death of a part, and resolves with the exit code after
 * handing it to the host: 0 after a signal, 1 after a failure. States: starting → running → stopping →
 * ended; a signal while starting goes straight to stopping. Further signals are ignored, because Ctrl-C
 * in a terminal often arrives twice and every stop has a deadline. A failed start is reported on stderr,
 * one line per problem, before anything is stopped, and exits with 1 whatever signal comes afterwards. What
 * fails during a stop is logged and leaves the exit code as it is.
 */
export async function runService(options: ServiceOptions): Promise<number> {
  const { name, host = processHost, clock = systemClock, partDeadlineMs = 10_000 } = options;
  let { drainDelayMs = 0 } = options;
  const parts: ServicePart[] = [];
  const draining = new AbortController();
  let logger: Logger | undefined;
  let areStopped = false;

  const stopRequest = deferred<Stop>();
  let isStopping = false;
  const requestStop = (stop: Stop): void => {
    if (isStopping && stop.kind === 'failure')
      logger?.error({ err: stop.error }, 'a part of the service died while it was stopping');
    isStopping = true;
    stopRequest.resolve(stop);
  };
  const death = deferred<number>();
  const offSignal = host.onSignal((signal) => requestStop({ kind: 'signal', signal }));
  let ended = false;
  const end = (code: number): number => {
    if (!ended) {
      ended = true;
      offSignal();
      offFatal();
      host.exit(code);
    }
    return code;
  };
  // The state behind an uncaught error is unknown, so nothing more is attempted.
  const offFatal = host.onFatal((kind, error) => {
    if (logger === undefined) for (const line of startFailure(name, error)) host.writeLine(line);
    else logger.fatal({ err: error, kind }, 'unhandled error');
    death.resolve(end(1));
  });

  const context: ServiceContext = {
    env: host.env,
    draining: draining.signal,
    register: (part) => {
      if (areStopped) void stopPart(part, part.deadlineMs ?? partDeadlineMs, clock, logger);
      else parts.push(part);
    },
    useLogger: (used) => {
      logger = used;
    },
    setDrainDelay: (delayMs) => {
      drainDelayMs = delayMs;
    },
    fail: (error) => requestStop({ kind: 'failure', error }),
  };

  const stopParts = async (delayMs: number): Promise<void> => {
    draining.abort();
    if (delayMs > 0) await clock.sleep(delayMs);
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      await stopPart(part, part.deadlineMs ?? partDeadlineMs, clock, logger);
    }
    areStopped = true;
  };

  const life = async (): Promise<number> => {
    // A start that throws before its first await is a failed start as well.
    const started = Promise.resolve()
      .then(() => options.start(context))
      .then(
        () => undefined,
        (error: unknown) => ({ kind: 'start-failure', error }) as const,
      );
    const first = await Promise.race([started, stopRequest.promise]);
    if (first?.kind === 'start-failure') {
      isStopping = true;
      for (const line of startFailure(name, first.error)) host.writeLine(line);
      logger?.debug({ err: first.error }, 'the service could not start');
      await stopParts(0);
      return end(1);
    }
    const stop = first ?? (await stopRequest.promise);
    // The stop may be the cause, so the exit code stays the stop's.
    const logLateFailure = async (): Promise<void> => {
      const late = await started;
      if (late === undefined || late.error === draining.signal.reason) return;
      logger?.warn({ err: late.error }, 'the start failed while the service was stopping');
    };
    void logLateFailure();
    if (stop.kind === 'signal') logger?.info({ signal: stop.signal }, 'stopping');
    else logger?.error({ err: stop.error }, 'a part of the service died, stopping');
    await stopParts(drainDelayMs);
    logger?.info('stopped');
    return end(stop.kind === 'signal' ? 0 : 1);
  };
  return Promise.race([life(), death.promise]);
}

async function stopPart(
  part: ServicePart,
  deadlineMs: number,
  clock: Clock,
  logger: Logger | undefined,
): Promise<void> {
  const done = new AbortController();
  // A part may use its whole deadline to cut things off, so the wait goes a little further.
  const late = clock
    .sleep(deadlineMs + 250, done.signal)
    .then(() => (done.signal.aborted ? 'stopped' : 'late'));
  try {
    const outcome = await Promise.race([part.stop(deadlineMs).then(() => 'stopped'), late]);
    if (outcome === 'late')
      logger?.error({ part: part.name, deadlineMs }, 'a part did not stop within its deadline');
  } catch (error) {
    logger?.error({ part: part.name, err: error }, 'a part failed to stop');
  } finally {
    done.abort();
  }
}

function startFailure(name: string, error: unknown): readonly string[] {
  const { type, code, message } = summarizeError(error);
  // Our own errors say what to do; for others the type helps.
  const text =
    error instanceof Error && 'retryable' in error
      ? message
      : [type, code, message].filter((part) => part !== undefined).join(' ');
  return text.split('\n').map((line) => `${name}: cannot start: ${line}`);
}
