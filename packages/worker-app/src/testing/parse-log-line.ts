/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message?: string };

/** Parses a line of the log. `@throws {Error}` when it has a key twice, of which readers take either the first or the last. */
export function parseLogLine(line: string): LogLine {
  const parsed: LogLine = JSON.parse(line);
  // JSON.parse keeps the last of two equal keys, so that less is written than was read.
  if (JSON.stringify(parsed) !== line) throw new Error(`not what JSON.stringify writes: ${line}`);
  return parsed;
}
