/** Why a connected app's configuration was refused. */
export type NotifierErrorCode =
  'NOTIFIER_PROVIDER_UNKNOWN' | 'NOTIFIER_SETTINGS_INVALID' | 'NOTIFIER_SECRET_INVALID';

/** Thrown when a connected app cannot be used as configured. It never carries the secret or the settings. */
export class NotifierError extends Error {
  override readonly name = 'NotifierError';
  readonly code: NotifierErrorCode;
  readonly retryable = false;
  readonly provider: string;
  /** Paths of the settings that are wrong, with what was expected; empty where the code says it all. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];

  constructor(
    code: NotifierErrorCode,
    provider: string,
    message: string,
    problems: readonly { readonly path: string; readonly message: string }[] = [],
  ) {
    super(message);
    this.code = code;
    this.provider = provider;
    this.problems = problems;
  }
}
