/** The codes of {@link ConfigError} and {@link ServiceError}. */
export type ServiceErrorCode =
  | 'SERVICE_CONFIG_INVALID'
  | 'SERVICE_PORT_TAKEN'
  | 'SERVICE_PORT_FORBIDDEN'
  | 'SERVICE_ROUTE_INVALID'
  | 'SERVICE_AUTH_UNAVAILABLE'
  | 'SERVICE_STORE_FULL'
  | 'SERVICE_TLS_INVALID';

/** Thrown when a part of a service cannot do its work; `message` is one line and safe to print. */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  readonly retryable: boolean;

  constructor(
    code: ServiceErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'ServiceError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** One variable that is missing or wrong. */
export interface ConfigProblem {
  /** The variable's name, or an empty string for a rule over several variables. */
  readonly variable: string;
  /** What is wrong and what is expected; never the value of a secret. */
  readonly detail: string;
}

/** Thrown by `loadConfig` with every problem at once; the message has one line per variable. */
export class ConfigError extends Error {
  readonly code = 'SERVICE_CONFIG_INVALID' satisfies ServiceErrorCode;
  readonly retryable = false;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      problems
        .map(({ variable, detail }) => (variable === '' ? detail : `${variable}: ${detail}`))
        .join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
