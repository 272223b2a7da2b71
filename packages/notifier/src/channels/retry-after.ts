/**
 * Reads a Retry-After header: whole seconds, or an HTTP date (RFC 9110, 10.2.3). Returns milliseconds from `now`,
 * never negative, or null where the header is missing or says nothing readable.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes many forms; an HTTP date always starts with the name of a day.
  if (!/^(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/**
 * Reads how long a provider asks to wait, from the first place that says something readable: `Retry-After`, a field of
 * its body (seconds, as a number or as text), `X-RateLimit-Reset` (seconds since the epoch). Milliseconds, or null.
 */
export function parseWait(
  said: {
    readonly retryAfter: string | undefined;
    readonly bodySeconds?: unknown;
    readonly rateLimitReset?: string | undefined;
  },
  now: number,
): number | null {
  return (
    parseRetryAfter(said.retryAfter, now) ??
    parseBodySeconds(said.bodySeconds) ??
    parseReset(said.rateLimitReset, now)
  );
}

function parseBodySeconds(value: unknown): number | null {
  const seconds = typeof value === 'string' && /^\d{1,9}(?:\.\d{1,9})?$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds < 1e9)) return null;
  return Math.ceil(seconds * 1000);
}

/** The reset is often when the whole bucket is full again, so it comes last. Other lengths are no time of this age. */
function parseReset(header: string | undefined, now: number): number | null {
  const text = header?.trim() ?? '';
  return /^\d{10}$/.test(text) ? Math.max(0, Number(text) * 1000 - now) : null;
}
