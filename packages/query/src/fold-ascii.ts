/**
 * Lowercases A–Z and leaves every other character unchanged.
 *
 * Full Unicode case folding differs between engines and their versions; this is what ClickHouse's `lower` does.
 */
export function foldAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()) : text;
}
