/**
 * JSON that PostgreSQL takes as jsonb: NUL and half of a surrogate pair, which JSON can carry and texts of PostgreSQL
 * cannot, become U+FFFD. They come from monitors that bypass the API and from receivers, and one such text must not
 * make a batch fail.
 */
export function storableJson(value: unknown): string {
  // Well-formed JSON escapes a surrogate only where it stands alone.
  return JSON.stringify(value).replaceAll(/\\u0000|\\ud[89a-f][0-9a-f]{2}/gi, String.raw`\ufffd`);
}
