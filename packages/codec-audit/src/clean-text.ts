import { createHash } from 'node:crypto';

/** Control and format characters, line and paragraph separators, halves of surrogate pairs, and the escape itself. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\\]/gu;
const DIGEST_DIGITS = 16;

/**
 * Makes a text fit to be stored, printed and compared, whoever chose it. What a terminal or a database would trip over is
 * written as `\u{1b}`; a text that is too long ends in `…` and the first 16 hex digits of its SHA-256 (over UTF-16), so
 * that two texts with one beginning stay apart. The result has at most `maxLength` UTF-16 code units.
 */
export function cleanText(text: string, maxLength: number): string {
  const head = text.slice(0, maxLength);
  const escaped = head.replaceAll(UNSAFE, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
  if (text.length <= maxLength && escaped.length <= maxLength) return escaped;
  const digest = createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex');
  const mark = `…${digest.slice(0, DIGEST_DIGITS)}`;
  return withoutHalf(escaped.slice(0, maxLength - mark.length)) + mark;
}

function withoutHalf(text: string): string {
  return text.isWellFormed() ? text : text.slice(0, -1);
}
