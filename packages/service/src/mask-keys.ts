/** Keys and refresh tokens of ours, their `_` percent-encoded or not. */
const SECRET = /(hgk(?:_|%5f)[a-z2-7]{12}(?:_|%5f)|hgr(?:_|%5f))[^/]+/gi;

/** A path as logs and answers show it: of a key that was pasted into it, only the prefix by which people know it. */
export function maskKeys(path: string): string {
  return path.replace(SECRET, '$1***');
}
