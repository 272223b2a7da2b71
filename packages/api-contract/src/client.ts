import * as v from 'valibot';
import { ApiError } from './api-error.ts';
import type { Client, ClientOptions, Operations } from './client-types.ts';
import type { AnyOperation } from './operation.ts';
import { partialProblemSchema } from './problem-details.ts';
import { tolerant } from './tolerant.ts';

const MAX_DELAY_MS = 5000;

/** A request as a caller gives it, whatever its operation has. */
interface AnyRequest {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

/**
 * Creates a client with one method per operation; it uses nothing but `fetch` and so runs in browsers too. Answers are
 * read tolerantly (`tolerant`). After no answer, 429 or 5xx a request is sent again where its operation may be repeated.
 */
export function createClient<const TOperations extends Operations>(
  operations: TOperations,
  options: ClientOptions,
): Client<TOperations> {
  const connection = connectionOf(options);
  const methods = Object.entries(operations).map(([name, operation]) => [
    name,
    (request: AnyRequest = {}) => call(connection, operation, request),
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one method for each of the operations
  return Object.fromEntries(methods) as Client<TOperations>;
}

interface Connection {
  readonly base: string;
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly retryDelayMs: number;
}

function connectionOf(options: ClientOptions): Connection {
  const { apiKey, timeoutMs = 15_000, maxAttempts = 3, retryDelayMs = 200 } = options;
  const { href, origin, search, hash, username, password } = new URL(options.url);
  if (search !== '' || hash !== '' || username !== '' || password !== '') {
    throw new TypeError('expected a base URL without user name, password, query and fragment');
  }
  return {
    base: href.replace(/[/?#]+$/, ''),
    origin,
    headers: {
      accept: 'application/json',
      ...(apiKey === undefined || apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    // Browsers want it called on the global object.
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    timeoutMs,
    maxAttempts,
    retryDelayMs,
  };
}

async function call(connection: Connection, operation: AnyOperation, request: AnyRequest): Promise<unknown> {
  const mayRepeat = operation.isRepeatable?.(request.body, request) ?? operation.method === 'GET';
  let unanswered: ApiError | undefined;
  for (let attempts = 1; ; attempts++) {
    try {
      return { ...(await send(connection, operation, request)), attempts };
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!mayRepeat || !(error instanceof ApiError)) throw error;
      // Our own earlier attempt still runs: its outcome is as unknown as when it was not answered.
      const isOwnAttempt = unanswered !== undefined && error.code === 'IDEMPOTENCY_KEY_RUNNING';
      if (error.status === null) unanswered = error;
      const known = isOwnAttempt && unanswered !== undefined ? unanswered : error;
      if (attempts >= connection.maxAttempts || !(error.retryable || isOwnAttempt)) throw known;
      const delayMs = delayBefore(attempts, connection.retryDelayMs);
      if ((error.retryAfterMs ?? 0) > MAX_DELAY_MS) throw known;
      await wait(Math.max(delayMs, error.retryAfterMs ?? 0), request.signal);
    }
  }
}

function delayBefore(attempts: number, retryDelayMs: number): number {
  const most = Math.min(MAX_DELAY_MS, retryDelayMs * 2 ** (attempts - 1));
  return most / 2 + (Math.random() * most) / 2;
}

async function send(connection: Connection, operation: AnyOperation, request: AnyRequest): Promise<object> {
  const name = `${operation.method} ${operation.path}`;
  const timeout = AbortSignal.timeout(connection.timeoutMs);
  const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
  let response: Response;
  let text: string;
  try {
    response = await connection.fetch(addressOf(connection.base, operation, request), {
      ...initOf(connection, operation, request),
      redirect: 'manual',
      signal,
    });
    text = await response.text();
  } catch (cause) {
    request.signal?.throwIfAborted();
    const parts = { status: null, requestId: null, cause };
    throw timeout.aborted
      ? new ApiError(`${name}: ${connection.origin} did not answer within ${connection.timeoutMs / 1000} s`, {
          code: 'API_TIMEOUT',
          ...parts,
        })
      : new ApiError(`${name}: ${connection.origin} cannot be reached`, {
          code: 'API_UNREACHABLE',
          ...parts,
        });
  }
  return read(name, operation, response, text);
}

function addressOf(base: string, operation: AnyOperation, { params = {}, query = {} }: AnyRequest): string {
  const path = operation.path.replaceAll(/:([A-Za-z]\w*)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const search = new URLSearchParams();
  for (const [name, given] of Object.entries(query)) {
    for (const value of Array.isArray(given) ? given : [given]) {
      if (value !== undefined && value !== null) search.append(name, String(value));
    }
  }
  return `${base}${path}${search.size === 0 ? '' : `?${search.toString()}`}`;
}

function initOf(connection: Connection, operation: AnyOperation, request: AnyRequest): RequestInit {
  const { body, idempotencyKey, ifMatch } = request;
  return {
    method: operation.method,
    headers: {
      ...connection.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function read(name: string, operation: AnyOperation, response: Response, text: string): object {
  const { status, headers } = response;
  const requestId = headers.get('x-request-id');
  const spec = operation.responses[status];
  if (spec === undefined) throw refused(name, response, text);
  const answer = { status, text, etag: headers.get('etag'), requestId };
  if (spec.schema === undefined) return { ...answer, body: undefined };
  const checked = v.safeParse(tolerant(spec.schema), parsed(text));
  if (checked.success) return { ...answer, body: checked.output };
  throw new ApiError(`${name} was answered with ${status} and a body that is not understood`, {
    code: 'API_ANSWER_INVALID',
    status,
    requestId,
  });
}

function refused(name: string, { status, headers }: Response, text: string): ApiError {
  const checked = v.safeParse(partialProblemSchema, parsed(text));
  const problem = checked.success ? checked.output : {};
  const code = problem.code ?? 'API_FAILED';
  const why = problem.detail === undefined ? '' : `: ${problem.detail}`;
  return new ApiError(`${name} was answered with ${status} ${code}${why}`, {
    code,
    status,
    requestId: problem.requestId ?? headers.get('x-request-id'),
    detail: problem.detail ?? null,
    errors: problem.errors ?? [],
    problem,
    retryAfterMs: millisecondsOf(headers.get('retry-after')),
  });
}

function millisecondsOf(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
