/** Whether a character is white space, which separates tokens. */
export function isSpace(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r';
}

/** Returns the offset of the first character at or after `start` that is not white space. */
export function skipSpaces(text: string, start: number): number {
  let offset = start;
  while (offset < text.length && isSpace(text.charAt(offset))) offset++;
  return offset;
}

/** Returns the offset just past the word at `start`; white space and parentheses end a word. */
export function findWordEnd(text: string, start: number): number {
  let offset = start;
  while (
    offset < text.length &&
    !isSpace(text.charAt(offset)) &&
    text.charAt(offset) !== '(' &&
    text.charAt(offset) !== ')'
  )
    offset++;
  return offset;
}
