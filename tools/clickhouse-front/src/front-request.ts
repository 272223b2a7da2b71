import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import zlib from 'node:zlib';
import { frontErrors } from './front-error.ts';

/** A request as the front understands it. */
export interface FrontRequest {
  readonly path: string;
  readonly queryId: string;
  /** From the URL; may be empty. */
  readonly query: string;
  readonly database: string | undefined;
  readonly defaultFormat: string | undefined;
  /** Also `param_*`, as the client's raw escaped text. */
  readonly settings: Readonly<Record<string, string>>;
  readonly session:
    { readonly id: string; readonly timeoutMs: number; readonly mustExist: boolean } | undefined;
  /** GET and HEAD change nothing. */
  readonly isReadOnly: boolean;
  readonly mayCompress: boolean;
  /** Whether to answer only once the query has ended. */
  readonly mustWait: boolean;
}

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

/** Reads the head of a request. */
export function readHead(request: IncomingMessage): FrontRequest {
  const url = new URL(request.url ?? '/', 'http://front');
  const parameters = url.searchParams;
  const sessionId = parameters.get('session_id');
  const settings: Record<string, string> = {};
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
 * @param password of the only user, `default`
 * @throws {FrontError} AUTHENTICATION_FAILED
 */
export function authenticate(request: IncomingMessage, password: string): void {
  const given = credentialsOf(request);
  const matches = timingSafeEqual(digest(given.password), digest(password));
  if (!matches || given.user !== 'default') throw frontErrors.authenticationFailed(given.user);
}

/** Gives the body as it was before the client compressed it. */
export function openBody(request: IncomingMessage): Readable {
  const encoding = headerOf(request, 'content-encoding') ?? 'identity';
  if (encoding === 'identity' || encoding === '') return request;
  const inflate = { gzip: zlib.createGunzip, deflate: zlib.createInflate, br: zlib.createBrotliDecompress }[
    encoding
  ];
  if (inflate === undefined) throw frontErrors.unknownCompression(encoding);
  // The reader of the body gets the error; the callback only keeps it from being thrown here as well.
  return pipeline(request, inflate(), () => {});
}

/** Reads a whole body. */
export async function collect(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk);
  } catch (error) {
    throw isDecompression(error) ? frontErrors.badBody() : error;
  }
  return Buffer.concat(chunks);
}

/** Says whether an error comes from a body that is not what its encoding promises. */
export function isDecompression(error: unknown): boolean {
  // Not instanceof: an error of Node itself is of another realm under a test runner.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  const code = hasCode && typeof error.code === 'string' ? error.code : '';
  return code.startsWith('Z_') || code.startsWith('ERR__ERROR_FORMAT') || code.startsWith('ERR_PADDING');
}

/** Reads the fields of a multipart form; `undefined` when the body is none. */
export function formFields(
  request: IncomingMessage,
  body: Buffer,
): Readonly<Record<string, string>> | undefined {
  const boundary = /^multipart\/form-data;.*?boundary="?([^";]+)/i.exec(
    headerOf(request, 'content-type') ?? '',
  )?.[1];
  if (boundary === undefined) return undefined;
  const fields: Record<string, string> = {};
  for (const part of body.toString('utf8').split(`--${boundary}`)) {
    const field = /name="([^"]+)"[^]*?\r\n\r\n([^]*)\r\n$/.exec(part);
    if (field?.[1] !== undefined) fields[field[1]] = field[2] ?? '';
  }
  return fields;
}

function credentialsOf(request: IncomingMessage) {
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

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function digest(text: string) {
  return createHash('sha256').update(text).digest();
}
