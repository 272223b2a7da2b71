/** An error in the server's own terms: a code, the name of the code, and a message. */
export class FrontError extends Error {
  readonly code: number;
  readonly type: string;

  constructor(code: number, type: string, message: string) {
    super(message);
    this.name = 'FrontError';
    this.code = code;
    this.type = type;
  }
}

/** Gives the FrontErrors that do not come from the engine. */
export const frontErrors = {
  unknownPath: (path: string) => new FrontError(374, 'UNKNOWN_HANDLE', `There is no handle ${path}`),
  authenticationFailed: (user: string) =>
    new FrontError(
      516,
      'AUTHENTICATION_FAILED',
      `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
    ),
  unknownCompression: (encoding: string) =>
    new FrontError(89, 'UNKNOWN_COMPRESSION_METHOD', `Unknown compression method ${encoding}`),
  unknownSetting: (name: string) => new FrontError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`),
  sessionLocked: (id: string) =>
    new FrontError(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client`),
  sessionNotFound: (id: string) => new FrontError(372, 'SESSION_NOT_FOUND', `Session ${id} not found`),
  multipleStatements: () =>
    new FrontError(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)'),
  emptyQuery: () => new FrontError(62, 'SYNTAX_ERROR', 'Syntax error: Empty query'),
  badBody: () => new FrontError(33, 'CANNOT_READ_ALL_DATA', 'The body cannot be decompressed'),
};

/** HTTP status by error code; every other code is answered with 500. */
const STATUS_BY_CODE: ReadonlyMap<number, number> = new Map([
  ...[48].map(status(501)),
  ...[159, 160].map(status(408)),
  ...[164, 192, 193, 497, 516].map(status(403)),
  ...[194].map(status(401)),
  ...[229].map(status(413)),
  ...[373].map(status(423)),
  ...[46, 47, 50, 56, 60, 61, 73, 81, 115, 372, 374].map(status(404)),
  ...[
    6, 7, 25, 26, 27, 32, 33, 36, 38, 41, 42, 43, 44, 53, 62, 63, 69, 70, 72, 89, 117, 130, 131, 386, 456,
    457, 467,
  ].map(status(400)),
]);

/** Describes any failure as the server would: the error's code, its HTTP status and its text. */
export function describeFailure(
  error: unknown,
  { version, spool }: { version: string; spool: string },
): { code: number; status: number; text: string } {
  const text = textOf(error).replaceAll(spool, '').trimEnd();
  const code = Number(/^Code: (\d+)/.exec(text)?.[1] ?? 1002);
  return { code, status: STATUS_BY_CODE.get(code) ?? 500, text: `${text} (version ${version})\n` };
}

function textOf(error: unknown): string {
  if (error instanceof FrontError)
    return `Code: ${error.code}. DB::Exception: ${error.message}. (${error.type})`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const engine = message.indexOf('Code: ');
  return engine === -1 ? `Code: 1002. DB::Exception: ${message}. (UNKNOWN_EXCEPTION)` : message.slice(engine);
}

function status(value: number): (code: number) => [number, number] {
  return (code) => [code, value];
}
