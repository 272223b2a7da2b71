import { IncomingMessage, ServerResponse } from 'node:http';
import { type AnyOperation, type NoSchema, type ResponseSpecs, losesNames } from '@heliograph/api-contract';
import { type OpenApiDocument, describeApi } from '@heliograph/api-contract/openapi';
import { metrics, trace } from '@opentelemetry/api';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { getPath } from 'hono/utils/url';
import type * as v from 'valibot';
import type { Authenticator, Principal } from './authenticator.ts';
import { authorize } from './authorize.ts';
import { type ByteHold, type ByteLimits, createByteBudget } from './byte-budget.ts';
import { type Clock, systemClock } from './clock.ts';
import { corsHeaders, type CorsPolicy, corsMiddleware } from './cors.ts';
import { ServiceError } from './errors.ts';
import type { IdempotencyStore } from './idempotency.ts';
import { type Ids, uuidV7Ids } from './ids.ts';
import type { Logger } from './log.ts';
import { Problem, problem, problemResponse } from './problem.ts';
import { Readiness, type ReadinessCheck } from './readiness.ts';
import type { EarlyRefusal } from './refuse-early.ts';
import { type AnsweredProblem, requestScope, scopeOf } from './request-scope.ts';
import type { RouteDefinition } from './route.ts';
import { type RouteRunner, runRoute } from './run-route.ts';
import type { Telemetry } from './telemetry.ts';

/** Options of {@link createEdge}. */
export interface EdgeOptions {
  readonly name: string;
  readonly version: string;
  /** Version of the API in its OpenAPI document; default `version`. */
  readonly apiVersion?: string;
  readonly logger: Logger;
  /** Without it there is no /metrics, and the process-wide providers are used. */
  readonly telemetry?: Telemetry;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Without it every route that has a scope answers 401. */
  readonly auth?: Authenticator;
  readonly readiness?: readonly ReadinessCheck[];
  /** Whether `X-Request-Id` of a caller becomes the id of its request; default true. An audit needs ids of its own. */
  readonly acceptsRequestIds?: boolean;
  /** Default 1,048,576. */
  readonly bodyLimitBytes?: number;
  /** How long a body may take to arrive; default 30,000 ms. `listen` ends later what does not even get so far. */
  readonly bodyTimeoutMs?: number;
  /** The most members and items that a body may have; default 200,000. */
  readonly maxBodyParts?: number;
  /** How much memory requests may hold together; default 256 MiB, and half of it for one caller. */
  readonly bytesInFlight?: ByteLimits;
  /** Where routes with the `idempotency` option keep their responses. */
  readonly idempotency?: IdempotencyStore;
  /** Recognises errors that mean "a server behind this service is unavailable": 503 with Retry-After, not 500. */
  readonly isUnavailable?: (error: unknown) => boolean;
  /** Default 5. */
  readonly retryAfterSeconds?: number;
  /** Checks every reply and every problem code against what is declared, for tests; a mismatch is a 500. Default false. */
  readonly validateResponses?: boolean;
  /** A scope that /metrics demands; default none. */
  readonly metricsScope?: string;
  /** Aborted when the service begins to stop; `drain()` does the same. */
  readonly draining?: AbortSignal;
  /** Lets pages of other origins call; default none. */
  readonly cors?: CorsPolicy;
  /** Runs for a route once the caller is known, before the body is read, and throws to refuse; for rate limits. */
  readonly admit?: (principal: Principal, c: Context) => Promise<void> | void;
  /**
   * Runs when the answer to a request is ready, also to a refused one, before any of it is sent. If it throws, that is
   * answered instead; for audits.
   */
  readonly beforeAnswer?: (exchange: Exchange) => Promise<void>;
  /** Hears of what is refused before it is a request, and so passes no route and no `beforeAnswer`; for audits. */
  readonly onEarlyRefusal?: (refusal: EarlyRefusal) => void;
}

/** A request and what is about to be answered. */
export interface Exchange {
  /** The path without the prefix that its route accepts. */
  readonly path: string;
  readonly requestId: string;
  /** Null where nobody was authenticated. */
  readonly principal: Principal | null;
  /** Null for a request that was carried out. */
  readonly problem: AnsweredProblem | null;
  readonly context: Context;
}

/** The HTTP side of a service. */
export interface Edge {
  /** The underlying application, for what routes do not cover; problem details, logs and metrics hold there too. */
  readonly app: Hono;
  /**
   * Adds an operation.
   *
   * @throws ServiceError SERVICE_ROUTE_INVALID for a second one with the same method and path, for `idempotency`
   * without a store, for `acceptsPrefix` on a path of more than one segment, or for a `v.record` in the body, which drops
   * some names; use `dictionary`.
   */
  route<
    TParams extends v.GenericSchema = NoSchema,
    TQuery extends v.GenericSchema = NoSchema,
    TBody extends v.GenericSchema = NoSchema,
    const TResponses extends ResponseSpecs = ResponseSpecs,
    TAccepted extends v.GenericSchema = TBody,
  >(
    definition: RouteDefinition<TParams, TQuery, TBody, TResponses, TAccepted>,
  ): void;
  addReadiness(check: ReadinessCheck): void;
  /** Reports what the server refused before it was a request; gives the headers for a page of the origin. */
  refuseEarly(refusal: EarlyRefusal, origin: string | undefined): Readonly<Record<string, string>>;
  /** Describes all routes declared so far; also served at /openapi.json. */
  openApi(): OpenApiDocument;
  /** From now on /readyz answers 503, event streams end and connections are not kept. */
  drain(): void;
  isDraining(): boolean;
}

const DURATION_BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Creates the HTTP edge of a service, with /healthz, /readyz, /metrics and /openapi.json. */
export function createEdge(options: EdgeOptions): Edge {
  const { name, version, logger, telemetry, auth, clock = systemClock, ids = uuidV7Ids } = options;
  const meter = telemetry?.meter ?? metrics.getMeter(name, version);
  const draining = new AbortController();
  const drain = (): void => draining.abort();
  if (options.draining?.aborted === true) drain();
  else options.draining?.addEventListener('abort', drain, { once: true });
  const isDraining = (): boolean => draining.signal.aborted;

  const budget = createByteBudget(options.bytesInFlight ?? BYTES_IN_FLIGHT);
  const holds = new WeakMap<Context, ByteHold>();
  meter
    .createObservableGauge('http_server_bytes_in_flight', {
      description: 'Bytes that requests hold: bodies, what handlers count, and answers until they are sent.',
    })
    .addCallback((result) => result.observe(budget.heldBytes()));

  let warnedAt = -Infinity;
  const isNews: IsNews = (error) => {
    if (!(error instanceof ServiceError) || error.code !== 'SERVICE_AUTH_UNAVAILABLE') return true;
    if (clock.monotonicMs() - warnedAt < AUTH_WARNING_INTERVAL_MS) return false;
    warnedAt = clock.monotonicMs();
    return true;
  };

  const suffixes = new Set<string>();
  const app = new Hono({ getPath: (request) => withoutPrefix(getPath(request), suffixes) });
  const routes: AnyOperation[] = [];
  const describe = (): OpenApiDocument => describeApi(name, options.apiVersion ?? version, routes);
  const readiness = new Readiness(logger, clock);
  for (const check of options.readiness ?? []) readiness.add(check);
  meter
    .createObservableGauge('service_dependency_up', {
      description: 'Whether the readiness check of a dependency passed when /readyz was last asked: 1 or 0.',
    })
    .addCallback((result) => {
      for (const { name: check, passed } of readiness.latest) result.observe(passed ? 1 : 0, { check });
    });

  app.use(
    requestScope({
      logger,
      clock,
      ids,
      acceptsRequestIds: options.acceptsRequestIds ?? true,
      isDraining,
      tracer: telemetry?.tracer ?? trace.getTracer(name, version),
      duration: meter.createHistogram('http_server_request_duration_seconds', {
        description: 'Duration of requests by method, route template and status.',
        advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
      }),
    }),
  );
  app.use(releaseAfter(holds));
  if (options.cors !== undefined)
    app.use(corsMiddleware(options.cors, (c) => [...allowedMethods(app, c.req.path)].toSorted()));
  if (options.beforeAnswer !== undefined) app.use(answerAfter(options.beforeAnswer, { ...options, isNews }));
  app.use(limitHeaders);
  app.onError((error, c) => respond(c, toProblem(error, c, { ...options, isNews })));
  app.notFound((c) => respond(c, notFound(c, app)));

  const operation = (path: string, answer: (c: Context) => Response | Promise<Response>): void => {
    app.get(path, (c) => {
      scopeOf(c).route = path;
      return answer(c);
    });
  };
  operation('/healthz', (c) => c.json({ status: 'ok', name, version }));
  operation('/readyz', async (c) => {
    const { failing, degraded } = isDraining()
      ? { failing: ['draining'], degraded: [] }
      : await readiness.run();
    if (failing.length === 0)
      return c.json({ status: 'ready', ...(degraded.length === 0 ? {} : { degraded }) });
    throw problem(503, 'NOT_READY', `Not ready: ${failing.join(', ')}.`, {
      retryAfterSeconds: 1,
      members: { failing, ...(degraded.length === 0 ? {} : { degraded }) },
    });
  });
  operation('/openapi.json', (c) => c.json(describe()));
  if (telemetry !== undefined) {
    operation('/metrics', async (c) => {
      if (options.metricsScope !== undefined) await authorize(auth, options.metricsScope, c.req.raw.headers);
      return c.body(await telemetry.prometheusText(), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    });
  }

  const runner: RouteRunner = {
    auth,
    idempotency: options.idempotency,
    bodyLimitBytes: options.bodyLimitBytes ?? 1_048_576,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
    maxBodyParts: options.maxBodyParts ?? 200_000,
    validateResponses: options.validateResponses ?? false,
    surroundings: (c) => ({
      requestId: scopeOf(c).requestId,
      logger: scopeOf(c).logger,
      clock,
      signal: c.req.raw.signal,
      draining: draining.signal,
    }),
    onPrincipal: async (c, principal) => {
      scopeOf(c).principal = principal;
      await options.admit?.(principal, c);
      const hold = budget.open(JSON.stringify([principal.tenant ?? null, principal.id]));
      holds.set(c, hold);
      return hold;
    },
  };
  return {
    app,
    route: (definition) => {
      const { method, path } = definition;
      if (routes.some((route) => route.method === method && route.path === path)) {
        throw new ServiceError('SERVICE_ROUTE_INVALID', `the route ${method} ${path} is declared twice`);
      }
      if (definition.idempotency !== undefined && options.idempotency === undefined) {
        throw new ServiceError(
          'SERVICE_ROUTE_INVALID',
          `the route ${method} ${path} wants idempotency, but the edge has no store`,
        );
      }
      if ([definition.accepts, definition.body].some((body) => body !== undefined && losesNames(body))) {
        throw new ServiceError(
          'SERVICE_ROUTE_INVALID',
          `the body of ${method} ${path} has a v.record, which drops names such as "constructor"; use dictionary`,
        );
      }
      if (definition.acceptsPrefix === true) {
        if (!/^\/[^/:*]+$/.test(path)) {
          throw new ServiceError(
            'SERVICE_ROUTE_INVALID',
            `the path of ${method} ${path} accepts a prefix, so it has to be one segment without parameters`,
          );
        }
        suffixes.add(path);
      }
      routes.push(definition);
      app.on(method, path, (c) => {
        scopeOf(c).route = path;
        return runRoute(runner, definition, c);
      });
    },
    refuseEarly: (refusal, origin) => {
      logger.info({ ...refusal }, 'request refused before it was one');
      options.onEarlyRefusal?.(refusal);
      return options.cors === undefined ? {} : corsHeaders(options.cors, origin);
    },
    addReadiness: (check) => readiness.add(check),
    openApi: describe,
    drain,
    isDraining,
  };
}

const BYTES_IN_FLIGHT: ByteLimits = { totalBytes: 268_435_456, callerBytes: 134_217_728 };

/** What a request holds is free once its answer has been handed to the system, or its connection is gone. */
function releaseAfter(holds: WeakMap<Context, ByteHold>): MiddlewareHandler {
  return async (c, next) => {
    try {
      await next();
    } finally {
      const hold = holds.get(c);
      // Without a server there is nothing to wait for.
      const outgoing: unknown = Reflect.get(Object(c.env), 'outgoing');
      if (hold !== undefined && outgoing instanceof ServerResponse && !outgoing.closed)
        outgoing.once('close', () => hold.close());
      else hold?.close();
    }
  };
}

/** The largest that target and headers of a request may be together, in bytes. */
export const MAX_HEADER_BYTES = 16_384;

/** Refuses here, and not in Node's parser, what a page may have to read: two tokens can be large. */
const limitHeaders: MiddlewareHandler = async (c, next) => {
  const incoming: unknown = Reflect.get(Object(c.env), 'incoming');
  if (incoming instanceof IncomingMessage) {
    // A name or a value comes with two characters more.
    const bytes = incoming.rawHeaders.reduce(
      (sum, text) => sum + text.length + 2,
      (incoming.url ?? '').length,
    );
    if (bytes > MAX_HEADER_BYTES)
      throw problem(431, 'HEADERS_TOO_LARGE', 'The headers of the request are larger than 16 KiB.', {
        headers: { connection: 'close' },
      });
  }
  await next();
};

type IsNews = (error: unknown) => boolean;

function respond(c: Context, found: Problem): Response {
  const scope = scopeOf(c);
  const { status, code, extras } = found;
  scope.problem = { status, code, ...(extras.reason === undefined ? {} : { reason: extras.reason }) };
  return problemResponse(found, scope.path, scope.requestId);
}

/** What is known of the answer may change until this has run; the headers for browsers stay. */
function answerAfter(
  run: NonNullable<EdgeOptions['beforeAnswer']>,
  options: EdgeOptions & { readonly isNews: IsNews },
): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const { requestId, principal = null, problem: found = null } = scopeOf(c);
    try {
      await run({ path: c.req.path, requestId, principal, problem: found, context: c });
    } catch (error) {
      const answer = respond(c, toProblem(error, c, options));
      for (const [name, value] of c.res.headers)
        if (name.startsWith('access-control-')) answer.headers.set(name, value);
      c.res = undefined;
      c.res = answer;
    }
  };
}

/** The last segment alone, where a route answers to it behind any prefix. */
function withoutPrefix(path: string, suffixes: ReadonlySet<string>): string {
  const last = path.slice(Math.max(0, path.lastIndexOf('/')));
  return suffixes.has(last) ? last : path;
}

/** How often the log says that callers cannot be identified: anybody can cause that, with every request. */
const AUTH_WARNING_INTERVAL_MS = 5000;

function toProblem(error: unknown, c: Context, options: EdgeOptions & { readonly isNews: IsNews }): Problem {
  if (error instanceof Problem) return error;
  const { logger, route } = scopeOf(c);
  const away = options.isUnavailable?.(error) === true || (error instanceof ServiceError && error.retryable);
  if (away) {
    logger[options.isNews(error) ? 'warn' : 'debug'](
      { err: error, route },
      'a server behind this service is unavailable',
    );
    return problem(503, 'UNAVAILABLE', 'A server behind this service is not available. Try again later.', {
      retryAfterSeconds: options.retryAfterSeconds ?? 5,
    });
  }
  logger.error({ err: error, route }, 'a request failed');
  return problem(
    500,
    'INTERNAL',
    'The request failed. Search the logs for the request id to find the cause.',
  );
}

function allowedMethods(app: Hono, path: string): Set<string> {
  return new Set(
    app.routes
      .filter((route) => route.method !== 'ALL' && matches(route.path, path))
      .map((route) => route.method),
  );
}

function notFound(c: Context, app: Hono): Problem {
  const allowed = allowedMethods(app, c.req.path);
  if (allowed.size === 0) return problem(404, 'NOT_FOUND', 'There is nothing at this path.');
  if (allowed.has('GET')) allowed.add('HEAD');
  const allow = [...allowed].toSorted().join(', ');
  return problem(405, 'METHOD_NOT_ALLOWED', `This path allows ${allow}.`, { headers: { allow } });
}

function matches(template: string, path: string): boolean {
  const expected = template.split('/');
  const actual = path.split('/');
  return (
    expected.length === actual.length &&
    expected.every((part, index) => (part.startsWith(':') ? actual[index] !== '' : part === actual[index]))
  );
}
