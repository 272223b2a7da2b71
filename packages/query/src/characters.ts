/** Tells whether a character separates tokens. */
export function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

/** Gives the offset of the first character from `start` on that is no space. */
export function skipSpaces(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text.charAt(at))) at++;
  return at;
}

/** Gives the offset behind the run of characters that are neither space nor parenthesis. */
export function endOfWord(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isSpace(text.charAt(at)) && text.charAt(at) !== '(' && text.charAt(at) !== ')')
    at++;
  return at;
}
