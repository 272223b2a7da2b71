import type { Logger } from '@heliograph/service';
import type { TemporalRuntimeOptions } from '@heliograph/temporal-worker';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Hands what the Temporal SDK logs to our logger, with `component: "temporal"`. */
export function createSdkLogger(logger: Logger): TemporalRuntimeOptions['logger'] {
  const child = logger.child({ component: 'temporal' });
  return {
    log: (level, message, meta) => child[LEVELS[level]]({ ...meta }, message),
    trace: (message, meta) => child.trace({ ...meta }, message),
    debug: (message, meta) => child.debug({ ...meta }, message),
    info: (message, meta) => child.info({ ...meta }, message),
    warn: (message, meta) => child.warn({ ...meta }, message),
    error: (message, meta) => child.error({ ...meta }, message),
  };
}
