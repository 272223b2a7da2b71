/**
 * Parses a Retry-After header: whole seconds or an HTTP date (RFC 9110, section 10.2.3). Returns milliseconds from
 * `now`, never negative, or null if the header is missing or malformed.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse accepts many formats; an HTTP date always starts with the name of a day.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/**
 * Returns the delay that a provider asks for, in milliseconds, or null if it asks for none. The first valid source
 * wins: `Retry-After`, a field of the body (seconds, as a number or a string), `X-RateLimit-Reset` (seconds since the
 * epoch).
 */
export function parseRetryDelay(
  sources: {
    readonly retryAfter: string | undefined;
    readonly bodySeconds?: unknown;
    readonly rateLimitReset?: string | undefined;
  },
  now: number,
): number | null {
  return (
    parseRetryAfter(sources.retryAfter, now) ??
    parseBodySeconds(sources.bodySeconds) ??
    parseRateLimitReset(sources.rateLimitReset, now)
  );
}

function parseBodySeconds(value: unknown): number | null {
  const seconds = typeof value === 'string' && /^\d{1,9}(?:\.\d{1,9})?$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds < 1e9)) return null;
  return Math.ceil(seconds * 1000);
}

/** Often the time when the whole bucket is full again, so it is used last. Only 10 digits are a plausible Unix time. */
function parseRateLimitReset(header: string | undefined, now: number): number | null {
  const text = header?.trim() ?? '';
  return /^\d{10}$/.test(text) ? Math.max(0, Number(text) * 1000 - now) : null;
}
