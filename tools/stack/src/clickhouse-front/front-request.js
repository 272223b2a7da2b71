import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { pipeline } from 'node:stream';
import zlib from 'node:zlib';
import { systemCodeOf } from '../errors.js';
import { frontErrors } from './front-error.js';

/** URL parameters that speak to the HTTP interface; every other one is a setting or a query parameter. */
const INTERFACE_PARAMETERS = new Set([
  'query',
  'database',
  'query_id',
  'session_id',
  'session_timeout',
  'session_check',
  'default_format',
  'user',
  'password',
  'role',
  'quota_key',
  'stacktrace',
  'compress',
  'decompress',
  'buffer_size',
  'client_protocol_version',
  'wait_end_of_query',
  'enable_http_compression',
  'http_zlib_compression_level',
  'http_response_buffer_size',
  'http_wait_end_of_query',
  'http_headers_progress_interval_ms',
  'send_progress_in_http_headers',
  'add_http_cors_header',
  'cancel_http_readonly_queries_on_client_close',
]);

/**
 * A request as the front understands it.
 * @typedef {object} FrontRequest
 * @property {string} path
 * @property {string} queryId
 * @property {string} query from the URL, may be empty
 * @property {string | undefined} database
 * @property {string | undefined} defaultFormat
 * @property {Readonly<Record<string, string>>} settings also `param_*`, as the raw escaped text of the client
 * @property {{ id: string, timeoutMs: number, mustExist: boolean } | undefined} session
 * @property {boolean} isReadOnly GET and HEAD change nothing
 * @property {boolean} mayCompress
 * @property {boolean} mustWait for the end of the query before the first byte
 */

/**
 * Reads the head of a request.
 * @param {import('node:http').IncomingMessage} request
 * @returns {FrontRequest}
 */
export function readHead(request) {
  const url = new URL(request.url ?? '/', 'http://front');
  const parameters = url.searchParams;
  const sessionId = parameters.get('session_id');
  /** @type {Record<string, string>} */
  const settings = {};
  for (const [name, value] of parameters) if (!INTERFACE_PARAMETERS.has(name)) settings[name] = value;
  return {
    path: url.pathname,
    queryId: parameters.get('query_id') || randomUUID(),
    query: parameters.get('query') ?? '',
    database: parameters.get('database') || headerOf(request, 'x-clickhouse-database') || undefined,
    defaultFormat: parameters.get('default_format') || headerOf(request, 'x-clickhouse-format') || undefined,
    settings,
    session: sessionId
      ? {
          id: sessionId,
          timeoutMs: 1000 * Number(parameters.get('session_timeout') ?? 60),
          mustExist: parameters.get('session_check') === '1',
        }
      : undefined,
    isReadOnly: request.method === 'GET' || request.method === 'HEAD',
    mayCompress:
      parameters.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(headerOf(request, 'accept-encoding') ?? ''),
    mustWait: parameters.get('wait_end_of_query') === '1' || parameters.get('http_wait_end_of_query') === '1',
  };
}

/**
 * Checks the credentials of a request: Basic, X-ClickHouse-User and -Key, or `user` and `password` in the URL.
 * @param {import('node:http').IncomingMessage} request
 * @param {string} password of the only user, `default`
 * @throws {import('./front-error.js').FrontError} AUTHENTICATION_FAILED
 */
export function authenticate(request, password) {
  const given = credentialsOf(request);
  const matches = timingSafeEqual(digest(given.password), digest(password));
  if (!matches || given.user !== 'default') throw frontErrors.authenticationFailed(given.user);
}

/**
 * Gives the body as it was before the client compressed it.
 * @param {import('node:http').IncomingMessage} request
 * @returns {import('node:stream').Readable}
 */
export function openBody(request) {
  const encoding = headerOf(request, 'content-encoding') ?? 'identity';
  if (encoding === 'identity' || encoding === '') return request;
  const inflate = { gzip: zlib.createGunzip, deflate: zlib.createInflate, br: zlib.createBrotliDecompress }[
    encoding
  ];
  if (inflate === undefined) throw frontErrors.unknownCompression(encoding);
  // The reader of the body gets the error; the callback only keeps it from being thrown here as well.
  return pipeline(request, inflate(), () => {});
}

/**
 * Reads a whole body.
 * @param {import('node:stream').Readable} body
 */
export async function collect(body) {
  const chunks = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    throw isDecompression(error) ? frontErrors.badBody() : error;
  }
  return Buffer.concat(chunks);
}

/**
 * Says whether an error comes from a body that is not what its encoding promises.
 * @param {unknown} error
 */
export function isDecompression(error) {
  const code = systemCodeOf(error);
  return code.startsWith('Z_') || code.startsWith('ERR__ERROR_FORMAT') || code.startsWith('ERR_PADDING');
}

/**
 * Reads the fields of a multipart form; `undefined` when the body is none.
 * @param {import('node:http').IncomingMessage} request
 * @param {Buffer} body
 * @returns {Readonly<Record<string, string>> | undefined}
 */
export function formFields(request, body) {
  const boundary = /^multipart\/form-data;.*?boundary="?([^";]+)/i.exec(
    headerOf(request, 'content-type') ?? '',
  )?.[1];
  if (boundary === undefined) return undefined;
  /** @type {Record<string, string>} */
  const fields = {};
  for (const part of body.toString('utf8').split(`--${boundary}`)) {
    const field = /name="([^"]+)"[^]*?\r\n\r\n([^]*)\r\n$/.exec(part);
    if (field?.[1] !== undefined) fields[field[1]] = field[2] ?? '';
  }
  return fields;
}

/** @param {import('node:http').IncomingMessage} request */
function credentialsOf(request) {
  const basic = /^Basic (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
  if (basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return { user: text.slice(0, Math.max(colon, 0)), password: text.slice(colon + 1) };
  }
  const parameters = new URL(request.url ?? '/', 'http://front').searchParams;
  return {
    user: headerOf(request, 'x-clickhouse-user') ?? parameters.get('user') ?? 'default',
    password: headerOf(request, 'x-clickhouse-key') ?? parameters.get('password') ?? '',
  };
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {string} name
 */
function headerOf(request, name) {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** @param {string} text */
function digest(text) {
  return createHash('sha256').update(text).digest();
}
