import { createHash } from 'node:crypto';
import type { AnyOperation, InputError, ResponseSpecs } from '@heliograph/api-contract';
import { EDGE_PROBLEM_CODES } from '@heliograph/api-contract';
import type { Context } from 'hono';
import type * as v from 'valibot';
import type { Authenticator, Principal } from './authenticator.ts';
import { assertScope, identify } from './authorize.ts';
import type { ByteHold } from './byte-budget.ts';
import { checkInput } from './check-input.ts';
import { etagOf, noneMatch } from './etag.ts';
import type { IdempotencyStore, StoredResponse } from './idempotency.ts';
import type { Logger } from './log.ts';
import { Problem, problem } from './problem.ts';
import { readJsonBody } from './read-body.ts';
import { ANONYMOUS, type RouteDefinition, type RouteInput } from './route.ts';

/** What every route of an edge shares. */
export interface RouteRunner {
  readonly auth: Authenticator | undefined;
  readonly idempotency: IdempotencyStore | undefined;
  readonly bodyLimitBytes: number;
  readonly bodyTimeoutMs: number;
  readonly maxBodyParts: number;
  readonly validateResponses: boolean;
  readonly surroundings: (
    c: Context,
  ) => Pick<RouteInput<unknown, unknown, unknown>, 'requestId' | 'logger' | 'clock' | 'signal' | 'draining'>;
  /** Admits the caller, and opens what counts the bytes that its request holds. */
  readonly onPrincipal: (c: Context, principal: Principal) => Promise<ByteHold>;
}

/** Carries one request through authentication, validation, idempotency, the handler and the ETag. */
export async function runRoute<
  TParams extends v.GenericSchema,
  TQuery extends v.GenericSchema,
  TBody extends v.GenericSchema,
  TResponses extends ResponseSpecs,
  TAccepted extends v.GenericSchema = TBody,
>(
  runner: RouteRunner,
  definition: RouteDefinition<TParams, TQuery, TBody, TResponses, TAccepted>,
  c: Context,
): Promise<Response> {
  const request = c.req.raw;
  const { scope } = definition;
  const principal = scope === null ? ANONYMOUS : await identify(runner.auth, request.headers);
  // Who lacks a scope is known as well, and counted.
  const hold = await runner.onPrincipal(c, principal);
  if (scope !== null) assertScope(runner.auth, principal, scope);
  const params = accept(definition.params, c.req.param(), 400);
  const query = accept(definition.query, queryOf(c), 400);
  // A body is refused when it is read, to its end.
  if (definition.body === undefined) hold.assertRoom();
  const limitBytes = definition.bodyLimitBytes ?? runner.bodyLimitBytes;
  const raw =
    definition.body === undefined
      ? undefined
      : await readJsonBody(request, {
          limitBytes,
          timeoutMs: runner.bodyTimeoutMs,
          maxParts: runner.maxBodyParts,
          hold,
        });
  const body: v.InferOutput<TAccepted> = accept<v.GenericSchema>(
    definition.accepts ?? definition.body,
    raw?.value,
    422,
  );

  const surroundings = runner.surroundings(c);
  const handle = async (): Promise<Response | StoredResponse> => {
    const reply = await checkProblem(definition, runner.validateResponses, () =>
      definition.handler({
        params,
        query,
        body,
        principal,
        headers: request.headers,
        context: c,
        hold,
        ...surroundings,
      }),
    );
    return reply instanceof Response ? reply : toStored(definition, reply, runner.validateResponses);
  };
  // One id in two tenants, where an authenticator has that, is two callers.
  const owner = JSON.stringify([principal.tenant ?? null, principal.id]);
  const key = idempotencyKey(definition.idempotency, request.headers);
  const response =
    key === undefined || runner.idempotency === undefined
      ? await handle()
      : await once(
          runner.idempotency,
          JSON.stringify([owner, definition.method, definition.path, key]),
          requestHash(c, raw?.bytes),
          owner,
          surroundings.logger,
          handle,
        );
  if (response instanceof Response) return response;
  // As text, and as the bytes that are sent. What was carried out is answered, however much that is; a page is not.
  const bytes = memoryOf(response.body);
  if (definition.method === 'GET') hold.takeAtLeast(bytes);
  else hold.raise(bytes);
  return send(response, definition, request.headers);
}

/** A text has a byte for each character, or two if any of them is beyond Latin-1. */
function memoryOf(text: string): number {
  const sentBytes = Buffer.byteLength(text);
  return sentBytes + (sentBytes === text.length ? text.length : 2 * text.length);
}

function accept<TSchema extends v.GenericSchema>(
  schema: TSchema | undefined,
  value: unknown,
  status: 400 | 422,
): v.InferOutput<TSchema> {
  // Without a schema TSchema is NoSchema, whose output is undefined.
  if (schema === undefined) return undefined;
  const checked = checkInput(schema, value);
  if (checked.kind === 'valid') return checked.value;
  // A parameter is known by its name, a member of a body by its pointer.
  const errors: readonly InputError[] =
    status === 422
      ? checked.errors
      : checked.errors.map(({ pointer, detail }) => ({ pointer: pointer.slice(1), detail }));
  const what = status === 422 ? 'body' : 'request parameters';
  throw problem(status, 'INPUT_INVALID', `The ${what} did not pass validation; see errors.`, { errors });
}

function queryOf(c: Context): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, values] of Object.entries(c.req.queries()))
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  return query;
}

function idempotencyKey(mode: 'optional' | 'required' | undefined, headers: Headers): string | undefined {
  if (mode === undefined) return undefined;
  const key = headers.get('idempotency-key');
  if (key === null) {
    if (mode === 'optional') return undefined;
    throw problem(
      400,
      'IDEMPOTENCY_KEY_REQUIRED',
      'Send an Idempotency-Key header, a new one per operation.',
    );
  }
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw problem(
    400,
    'IDEMPOTENCY_KEY_INVALID',
    'An Idempotency-Key has 1 to 255 printable ASCII characters.',
  );
}

function requestHash(c: Context, bytes: Uint8Array | undefined): string {
  const url = new URL(c.req.url);
  return createHash('sha256')
    .update(`${url.pathname}${url.search}\n`)
    .update(bytes ?? '')
    .digest('hex');
}

async function once(
  store: IdempotencyStore,
  key: string,
  hash: string,
  owner: string,
  logger: Logger,
  handle: () => Promise<Response | StoredResponse>,
): Promise<Response | StoredResponse> {
  const start = await store.start(key, hash, owner);
  switch (start.kind) {
    case 'replay':
      return { ...start.response, headers: { ...start.response.headers, 'idempotency-replayed': 'true' } };
    case 'mismatch':
      throw problem(422, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another request.');
    case 'running':
      throw problem(
        409,
        'IDEMPOTENCY_KEY_RUNNING',
        'The first request with this Idempotency-Key is still running.',
        { retryAfterSeconds: 1 },
      );
    case 'started':
      break;
  }
  let response: Response | StoredResponse;
  try {
    response = await handle();
  } catch (error) {
    await store
      .abandon(key)
      .catch((err: unknown) => logger.error({ err }, 'an idempotency key could not be released'));
    throw error;
  }
  // The work is done: a store that fails now must not tell the caller otherwise.
  const kept = response instanceof Response ? store.abandon(key) : store.complete(key, response);
  await kept.catch((err: unknown) =>
    logger.error({ err }, 'a response could not be stored for its idempotency key'),
  );
  return response;
}

/** Runs a handler; a problem that its operation does not declare is a fault, like a reply that it does not declare. */
async function checkProblem<T>(
  { method, path, problems }: Pick<AnyOperation, 'method' | 'path' | 'problems'>,
  validate: boolean,
  handle: () => Promise<T> | T,
): Promise<T> {
  try {
    return await handle();
  } catch (thrown) {
    // The framework hands only errors to the edge's handler.
    const error =
      thrown instanceof Error ? thrown : new TypeError('a handler threw no Error', { cause: thrown });
    if (!validate || problems === undefined || !(error instanceof Problem)) throw error;
    const declared = [...EDGE_PROBLEM_CODES, ...(problems[error.status] ?? [])];
    if (declared.includes(error.code)) throw error;
    throw new TypeError(
      `${method} ${path} answered ${error.status} with the undeclared problem ${error.code}`,
      {
        cause: thrown,
      },
    );
  }
}

function toStored(
  definition: Pick<AnyOperation, 'method' | 'path' | 'responses'>,
  reply: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
  validate: boolean,
): StoredResponse {
  const spec = definition.responses[reply.status];
  if (validate) {
    const checked = spec?.schema === undefined ? undefined : checkInput(spec.schema, reply.body);
    const fault =
      spec === undefined
        ? 'an undeclared status'
        : checked?.kind === 'invalid'
          ? `a body that breaks its schema at ${checked.errors[0]?.pointer}`
          : undefined;
    if (fault !== undefined)
      throw new TypeError(`${definition.method} ${definition.path} answered ${reply.status} with ${fault}`);
  }
  const empty = reply.body === undefined;
  return {
    status: reply.status,
    headers: {
      ...(empty ? {} : { 'content-type': 'application/json' }),
      'cache-control': 'no-store',
      ...reply.headers,
    },
    body: empty ? '' : JSON.stringify(reply.body),
  };
}

function send(
  response: StoredResponse,
  definition: Pick<AnyOperation, 'method' | 'etag'>,
  requestHeaders: Headers,
): Response {
  const { status, headers, body } = response;
  if (definition.etag === true && definition.method === 'GET' && status === 200) {
    const etag = headers['etag'] ?? etagOf(body);
    const cached = { ...headers, etag, 'cache-control': 'private, no-cache' };
    if (!noneMatch(requestHeaders.get('if-none-match'), etag))
      return new Response(body, { status, headers: cached });
    return new Response(null, { status: 304, headers: { etag, 'cache-control': 'private, no-cache' } });
  }
  return new Response(body === '' ? null : body, { status, headers });
}
