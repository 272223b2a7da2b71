import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { type Clock, systemClock } from './clock.ts';
import { summarizeError } from './error-summary.ts';

/** The levels from most to least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A structured logger: `logger.info({ routeId }, 'route saved')`; `child` adds fields to every line. */
export type Logger = PinoLogger;

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** The service's name, in every line as `service`. */
  readonly name: string;
  readonly version?: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go; default stdout. Anything with `write(line)` will do. */
  readonly destination?: DestinationStream;
  readonly clock?: Clock;
}

const SENSITIVE = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'routingKey',
  'url.password',
];
const REDACTED_PATHS = SENSITIVE.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/**
 * Creates a logger that writes one JSON object per line. Lines carry the trace and span id of the active
 * span; fields with the name of a secret are redacted down to the third level; errors under `err` or
 * `error` are reduced by `summarizeError`, because driver messages quote bind values.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { clock = systemClock } = options;
  const settings = {
    level: options.level ?? 'info',
    base: {
      service: options.name,
      ...(options.version === undefined ? {} : { version: options.version }),
      pid: process.pid,
    },
    timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    serializers: { err: summarizeError, error: summarizeError },
    mixin: activeTrace,
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

function activeTrace(): { readonly traceId?: string; readonly spanId?: string } {
  const context = trace.getActiveSpan()?.spanContext();
  return context === undefined ? {} : { traceId: context.traceId, spanId: context.spanId };
}
