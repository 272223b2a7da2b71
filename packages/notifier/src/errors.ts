/** Why the configuration of a connected app is invalid. */
export type NotifierErrorCode =
  'NOTIFIER_PROVIDER_UNKNOWN' | 'NOTIFIER_SETTINGS_INVALID' | 'NOTIFIER_SECRET_INVALID';

/** Thrown if the configuration of a connected app is invalid. Never contains the secret or the settings. */
export class NotifierError extends Error {
  override readonly name = 'NotifierError';
  readonly code: NotifierErrorCode;
  readonly retryable = false;
  readonly provider: string;
  /** The path of each invalid setting and what was expected there; empty unless the settings are invalid. */
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
