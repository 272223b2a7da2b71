/** The longest text that is read as a number, in characters. It bounds the cost of one comparison. */
export const MAX_DECIMAL_LENGTH = 100;

/** The syntax of a number. It means the same in JavaScript and in RE2, so the compiled SQL uses it too. */
export const DECIMAL_SOURCE = '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$';

const DECIMAL = new RegExp(DECIMAL_SOURCE);

/** Parses a text as a decimal number. Undefined if it is not one, is too long, or is not finite as a double. */
export function parseDecimal(text: string): number | undefined {
  if (text.length > MAX_DECIMAL_LENGTH || !DECIMAL.test(text)) return undefined;
  const value = Number(text);
  // Adding 0 turns -0 into 0: both compare equal, but -0 would be formatted and bound differently.
  return Number.isFinite(value) ? value + 0 : undefined;
}
