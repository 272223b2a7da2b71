import { createHash } from 'node:crypto';
import { problem } from './problem.ts';

/** Returns the strong entity tag, quotes included, of a value's JSON form or of bytes as they are sent. */
export function etagOf(content: unknown): string {
  const bytes =
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 32)}"`;
}

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const LIST = new RegExp(String.raw`^\s*${TAG}(?:\s*,\s*${TAG})*\s*$`);

/** The tags of a header; null where it is no list of entity tags (RFC 9110, 8.8.3). */
function tagsOf(header: string): readonly string[] | null {
  return LIST.test(header) ? (header.match(new RegExp(TAG, 'g')) ?? []) : null;
}

/** Tells whether `If-None-Match` lets a GET be answered with 304; comparison is weak, as RFC 9110 wants it. */
export function noneMatch(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === '*' || (tagsOf(header) ?? []).some((tag) => tag.replace(/^W\//, '') === etag);
}

/**
 * Guards a change: `If-Match` must name the current tag. Comparison is strong; `*` matches whatever exists.
 *
 * @throws Problem 412 IF_MATCH_FAILED when the entity has changed, 400 IF_MATCH_INVALID when the header is no list of
 * tags, 428 IF_MATCH_REQUIRED when it is absent and `required`.
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
  if (header.trim() === '*') return;
  const tags = tagsOf(header);
  if (tags === null)
    throw problem(400, 'IF_MATCH_INVALID', 'If-Match takes ETags as they were sent, quotes included, or *.');
  if (tags.includes(currentEtag)) return;
  throw problem(412, 'IF_MATCH_FAILED', 'The resource has changed since you read it. Read it again.');
}
