import type { Context, MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/** Which pages of other origins may call an edge from a browser. */
export interface CorsPolicy {
  /** Exact origins, `https://temporal.example.com`; a request of any other one gets no CORS headers. */
  readonly origins: readonly string[];
  /** Names of the headers that a page may send, in lower case. */
  readonly headers: readonly string[];
  /** Whether a page may send cookies and client certificates; default false. */
  readonly allowCredentials?: boolean;
  /** How long a browser may remember a preflight, in seconds; default 600. */
  readonly maxAgeSeconds?: number;
}

/** The headers with which a page of a known origin may read an answer that passed no middleware. */
export function corsHeaders(
  { origins, allowCredentials = false }: CorsPolicy,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  if (origin === undefined || !origins.includes(origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    ...(allowCredentials ? { 'access-control-allow-credentials': 'true' } : {}),
  };
}

/**
 * Answers preflights of declared paths, before anyone is authenticated, and names the calling origin, never `*`, in
 * every answer, those to refused requests included: otherwise a browser hides the reason from the page.
 */
export function corsMiddleware(
  { origins, headers, allowCredentials = false, maxAgeSeconds = 600 }: CorsPolicy,
  methodsOf: (c: Context) => readonly string[],
): MiddlewareHandler {
  const known = new Set(origins);
  const answer = cors({
    origin: (origin) => (known.has(origin) ? origin : null),
    allowMethods: (_origin, c) => [...methodsOf(c), 'OPTIONS'],
    allowHeaders: [...headers],
    credentials: allowCredentials,
    maxAge: maxAgeSeconds,
  });
  return async (c, next) => {
    if (c.req.method !== 'OPTIONS') return answer(c, next);
    if (methodsOf(c).length === 0) return next();
    // A page of a public address that calls a server of a private one has to be told that it may.
    const isPrivate = c.req.header('access-control-request-private-network') === 'true';
    if (isPrivate && known.has(c.req.header('origin') ?? ''))
      c.res.headers.set('access-control-allow-private-network', 'true');
    return answer(c, next);
  };
}
