/** How the program ends. */
export const EXIT = { answered: 0, failed: 1, usage: 2, unknownAlert: 3, refused: 4 } as const;

/** What can go wrong on the command line. */
export type CliErrorCode =
  | 'CLI_USAGE'
  | 'CLI_API_UNREACHABLE'
  | 'CLI_API_REFUSED'
  | 'CLI_API_FAILED'
  | 'CLI_API_NOT_UNDERSTOOD'
  | 'CLI_ALERT_UNKNOWN'
  /** The audit log is not what it was. */
  | 'CLI_AUDIT_BROKEN'
  /** What was asked for would make stored payloads unreadable. */
  | 'CLI_STILL_NEEDED'
  /** Histories do not fit the workflow code. */
  | 'CLI_REPLAY_BROKEN'
  /** The deployment stays as it is: the change would lose work, or do something else than it says. */
  | 'CLI_DEPLOYMENT_REFUSED'
  /** What was waited for did not happen in time. */
  | 'CLI_TIMED_OUT'
  | 'CLI_TEMPORAL_FAILED'
  | 'CLI_FILE_FAILED';

const EXITS: Readonly<Record<CliErrorCode, number>> = {
  CLI_USAGE: EXIT.usage,
  CLI_API_UNREACHABLE: EXIT.failed,
  CLI_API_REFUSED: EXIT.failed,
  CLI_API_FAILED: EXIT.failed,
  CLI_API_NOT_UNDERSTOOD: EXIT.failed,
  CLI_ALERT_UNKNOWN: EXIT.unknownAlert,
  CLI_AUDIT_BROKEN: EXIT.refused,
  CLI_STILL_NEEDED: EXIT.refused,
  CLI_REPLAY_BROKEN: EXIT.refused,
  CLI_DEPLOYMENT_REFUSED: EXIT.refused,
  CLI_TIMED_OUT: EXIT.failed,
  CLI_TEMPORAL_FAILED: EXIT.failed,
  CLI_FILE_FAILED: EXIT.failed,
};

/** A failure whose message is one line for whoever typed the command. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  /** Whether the same command may succeed later. */
  readonly retryable: boolean;
  readonly exitCode: number;

  constructor(
    code: CliErrorCode,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.exitCode = EXITS[code];
  }
}
