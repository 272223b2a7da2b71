/** An error in the server's own terms: a code, the name of the code, and a message. */
export class FrontError extends Error {
  /**
   * @param {number} code
   * @param {string} type
   * @param {string} message
   */
  constructor(code, type, message) {
    super(message);
    this.name = 'FrontError';
    /** @readonly */
    this.code = code;
    /** @readonly */
    this.type = type;
  }
}

/** Gives the FrontErrors that do not come from the engine. */
export const frontErrors = {
  /** @param {string} path */
  unknownPath: (path) => new FrontError(374, 'UNKNOWN_HANDLE', `There is no handle ${path}`),
  /** @param {string} user */
  authenticationFailed: (user) =>
    new FrontError(
      516,
      'AUTHENTICATION_FAILED',
      `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
    ),
  /** @param {string} encoding */
  unknownCompression: (encoding) =>
    new FrontError(89, 'UNKNOWN_COMPRESSION_METHOD', `Unknown compression method ${encoding}`),
  /** @param {string} name */
  unknownSetting: (name) => new FrontError(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'`),
  /** @param {string} id */
  sessionLocked: (id) =>
    new FrontError(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client`),
  /** @param {string} id */
  sessionNotFound: (id) => new FrontError(372, 'SESSION_NOT_FOUND', `Session ${id} not found`),
  multipleStatements: () =>
    new FrontError(62, 'SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)'),
  emptyQuery: () => new FrontError(62, 'SYNTAX_ERROR', 'Syntax error: Empty query'),
  badBody: () => new FrontError(33, 'CANNOT_READ_ALL_DATA', 'The body cannot be decompressed'),
};

/** @type {ReadonlyMap<number, number>} HTTP status by error code; every other code is answered by 500 */
const STATUS_BY_CODE = new Map([
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

/**
 * Describes any failure as the server would: the error's code, its HTTP status and its text.
 * @param {unknown} error
 * @param {{ version: string, spool: string }} server
 * @returns {{ code: number, status: number, text: string }}
 */
export function describeFailure(error, { version, spool }) {
  const text = textOf(error).replaceAll(spool, '').trimEnd();
  const code = Number(/^Code: (\d+)/.exec(text)?.[1] ?? 1002);
  return { code, status: STATUS_BY_CODE.get(code) ?? 500, text: `${text} (version ${version})\n` };
}

/** @param {unknown} error */
function textOf(error) {
  if (error instanceof FrontError)
    return `Code: ${error.code}. DB::Exception: ${error.message}. (${error.type})`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const engine = message.indexOf('Code: ');
  return engine === -1 ? `Code: 1002. DB::Exception: ${message}. (UNKNOWN_EXCEPTION)` : message.slice(engine);
}

/**
 * @param {number} value
 * @returns {(code: number) => [number, number]}
 */
function status(value) {
  return (code) => [code, value];
}
