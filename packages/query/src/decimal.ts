/** Longest text that counts as a number, in characters; it bounds what one comparison can cost. */
export const MAX_DECIMAL_LENGTH = 100;

/** The grammar of a number. JavaScript and RE2 read it alike, so the compiled SQL uses this very text. */
export const DECIMAL_SOURCE = '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$';

const DECIMAL = new RegExp(DECIMAL_SOURCE);

/** Reads a whole text as a decimal number; undefined where it is none, is too long, or is not finite as a double. */
export function decimalOf(text: string): number | undefined {
  if (text.length > MAX_DECIMAL_LENGTH || !DECIMAL.test(text)) return undefined;
  const value = Number(text);
  // Adding 0 turns -0 into 0, which compares the same and has a text of its own.
  return Number.isFinite(value) ? value + 0 : undefined;
}
