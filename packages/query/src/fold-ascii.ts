/**
 * Lowercases A–Z and leaves every other character unchanged.
 *
 * Full Unicode case folding differs between engines and their versions; this is what ClickHouse's `lower` does.
 */
export function foldAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()) : text;
}

/** Lowercases the code point of A–Z and leaves every other one unchanged. */
export function foldCodePoint(codePoint: number): number {
  return codePoint >= 0x41 && codePoint <= 0x5a ? codePoint + 0x20 : codePoint;
}
