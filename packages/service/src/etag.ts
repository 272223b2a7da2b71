import { createHash } from 'node:crypto';
import { problem } from './problem.ts';

/** Returns the strong entity tag, quotes included, of a value's JSON form or of bytes as they are sent. */
export function etagOf(content: unknown): string {
  const bytes =
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 32)}"`;
}

function tagsOf(header: string): readonly string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** Tells whether `If-None-Match` lets a GET be answered with 304; comparison is weak, as RFC 9110 wants it. */
export function noneMatch(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === '*' || tagsOf(header).some((tag) => tag.replace(/^W\//, '') === etag);
}

/**
 * Guards a change: `If-Match` must name the current tag. Comparison is strong; `*` matches whatever exists.
 *
 * @throws Problem 412 IF_MATCH_FAILED when the entity has changed, 428 IF_MATCH_REQUIRED when the header is
 * absent and `required`.
 */
export function requireMatch(
  header: string | null,
  currentEtag: string,
  options: { readonly required?: boolean } = {},
): void {
  if (header === null) {
    if (options.required !== true) return;
    throw problem(428, 'IF_MATCH_REQUIRED', 'Send If-Match with the ETag that you last read.');
  }
  if (header.trim() === '*' || tagsOf(header).includes(currentEtag)) return;
  throw problem(412, 'IF_MATCH_FAILED', 'The resource has changed since you read it. Read it again.');
}
