import type { Logger } from '@heliograph/service';
import type { TemporalRuntimeOptions } from '@heliograph/temporal-worker';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Hands what the Temporal SDK logs to our logger, with `component: "temporal"`, its error as `err` and all else it adds
 * under `sdk`, where no key can be mistaken for the line's own level, time or message.
 */
export function createSdkLogger(logger: Logger): TemporalRuntimeOptions['logger'] {
  const child = logger.child({ component: 'temporal' });
  return {
    log: (level, message, meta) => child[LEVELS[level]](fieldsOf(meta), message),
    trace: (message, meta) => child.trace(fieldsOf(meta), message),
    debug: (message, meta) => child.debug(fieldsOf(meta), message),
    info: (message, meta) => child.info(fieldsOf(meta), message),
    warn: (message, meta) => child.warn(fieldsOf(meta), message),
    error: (message, meta) => child.error(fieldsOf(meta), message),
  };
}

function fieldsOf(meta: Readonly<Record<string | symbol, unknown>> = {}): object {
  const { error, err = error, ...sdk } = meta;
  return { ...(err === undefined ? {} : { err }), ...(Object.keys(sdk).length === 0 ? {} : { sdk }) };
}
