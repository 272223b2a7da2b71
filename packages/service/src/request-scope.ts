import {
  type Histogram,
  INVALID_SPAN_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  context,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { Context, MiddlewareHandler } from 'hono';
import { getPath } from 'hono/utils/url';
import type { Principal } from './authenticator.ts';
import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';
import type { Logger } from './log.ts';
import { maskKeys } from './mask-keys.ts';

/** A problem that is answered. */
export interface AnsweredProblem {
  readonly status: number;
  readonly code: string;
  /** Why, as a code that the caller does not see; for credentials, a `RefusalReason`. */
  readonly reason?: string;
}

/** One request while it is handled. */
export interface RequestScope {
  readonly requestId: string;
  readonly logger: Logger;
  /** As it was sent, with any prefix, and without the secret of a key in it. */
  readonly path: string;
  /** The template of the matched route; `unmatched` for everything else. */
  route: string;
  principal: Principal | undefined;
  /** What is answered, if it is a problem. */
  problem: AnsweredProblem | undefined;
}

/** Options of {@link requestScope}. */
export interface RequestScopeOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly acceptsRequestIds: boolean;
  readonly tracer: Tracer;
  readonly duration: Histogram;
  readonly isDraining: () => boolean;
}

const scopes = new WeakMap<Context, RequestScope>();
const QUIET = new Set(['/healthz', '/readyz', '/metrics']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

const getter: TextMapGetter<Headers> = {
  get: (headers, key) => headers.get(key) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/** Returns the scope of a request that passes through {@link requestScope}. */
export function scopeOf(c: Context): RequestScope {
  const scope = scopes.get(c);
  if (scope === undefined) throw new TypeError('the request did not pass through the request scope');
  return scope;
}

/**
 * The outermost middleware: request id, server span with W3C context, access log and duration. Query
 * strings and header values are never logged. A streamed answer is logged when its headers are sent.
 */
export function requestScope(options: RequestScopeOptions): MiddlewareHandler {
  const { logger, clock, ids, acceptsRequestIds, tracer, duration, isDraining } = options;
  return async (c, next) => {
    const startedMs = clock.monotonicMs();
    const given = acceptsRequestIds ? c.req.header('x-request-id') : undefined;
    const requestId = given !== undefined && /^[A-Za-z0-9._-]{8,128}$/.test(given) ? given : ids.next();
    const scope: RequestScope = {
      requestId,
      logger: logger.child({ requestId }),
      path: maskKeys(getPath(c.req.raw)),
      route: 'unmatched',
      principal: undefined,
      problem: undefined,
    };
    scopes.set(c, scope);
    // An arbitrary method of a caller must not become a label.
    const method = METHODS.has(c.req.method) ? c.req.method : '_OTHER';

    const parent = propagation.extract(context.active(), c.req.raw.headers, getter);
    // Probes arrive every few seconds; a span for each would hide the others.
    const span = QUIET.has(c.req.path)
      ? trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
      : tracer.startSpan(
          method,
          { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'url.path': scope.path } },
          parent,
        );
    await context.with(trace.setSpan(parent, span), async () => {
      try {
        await next();
      } finally {
        const { status } = c.res;
        c.res.headers.set('x-request-id', requestId);
        c.res.headers.set('x-content-type-options', 'nosniff');
        if (isDraining()) c.res.headers.set('connection', 'close');
        const durationMs = clock.monotonicMs() - startedMs;
        span.updateName(`${method} ${scope.route}`);
        span.setAttributes({ 'http.route': scope.route, 'http.response.status_code': status });
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        duration.record(durationMs / 1000, { method, route: scope.route, status: String(status) });
        scope.logger[QUIET.has(scope.route) ? 'debug' : 'info'](
          {
            method,
            route: scope.route,
            path: scope.path,
            status,
            durationMs: Math.round(durationMs * 10) / 10,
            principal: scope.principal?.id,
            code: scope.problem?.code,
            reason: scope.problem?.reason,
          },
          'request',
        );
        span.end();
      }
    });
  };
}
