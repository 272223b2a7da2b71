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
