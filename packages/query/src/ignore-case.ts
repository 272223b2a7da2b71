/**
 * Makes A–Z small and leaves everything else as it is.
 *
 * Full Unicode folding differs between engines and their versions; this is what ClickHouse's `lower` does.
 */
export function foldAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()) : text;
}
