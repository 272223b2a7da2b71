/** The numbers that OTLP takes from gRPC for the `code` of an error. */
const CODES = /** @type {const} */ ({
  invalid: 3,
  notFound: 5,
  exhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
});

/** How long a sender is asked to wait before it tries again. */
const RETRY_AFTER_SECONDS = 1;

/** A refusal in OTLP's form. Its message names fields and limits, never what was sent. */
export class OtlpError extends Error {
  /**
   * @param {number} status of HTTP
   * @param {keyof typeof CODES} kind
   * @param {string} message
   * @param {{ headers?: Readonly<Record<string, string>>, cause?: unknown }} [options]
   */
  constructor(status, kind, message, { headers = {}, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OtlpError';
    /** @readonly */
    this.status = status;
    /** @readonly */
    this.code = CODES[kind];
    /** @readonly */
    this.headers = headers;
  }

  /** @returns {boolean} whether the sender may send the same again */
  get retryable() {
    return this.status === 503;
  }
}

/** Every refusal of the receiver. */
export const otlpErrors = {
  malformed: (/** @type {string} */ message) => new OtlpError(400, 'invalid', message),
  unknownPath: () =>
    new OtlpError(404, 'notFound', 'unknown path: there are /v1/traces, /v1/metrics, /v1/logs and /healthz'),
  wrongMethod: (/** @type {string} */ allow) =>
    new OtlpError(405, 'unimplemented', `only ${allow} is answered here`, { headers: { allow } }),
  tooLarge: (/** @type {string} */ what, /** @type {number} */ limitBytes) =>
    new OtlpError(413, 'exhausted', `${what} is larger than ${limitBytes} bytes: send smaller batches`),
  unsupportedType: () =>
    new OtlpError(
      415,
      'invalid',
      'only application/json is understood, not protobuf: use the OTLP/HTTP JSON exporter (http/json)',
    ),
  unsupportedEncoding: () => new OtlpError(415, 'invalid', 'only gzip is understood as content encoding'),
  refused: (/** @type {string} */ message) => new OtlpError(500, 'internal', message),
  unavailable: (/** @type {string} */ message, /** @type {unknown} */ cause) =>
    new OtlpError(503, 'unavailable', message, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      cause,
    }),
};
