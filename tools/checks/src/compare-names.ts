/** Names that the code has and a document lacks, and the other way round. */
export interface NameDifference {
  readonly undocumented: readonly string[];
  readonly unknown: readonly string[];
}

/** Returns the variables that a source file declares as fields of a configuration. */
export function declaredVariables(source: string): readonly string[] {
  return [...source.matchAll(/^\s+(HELIOGRAPH_\w+|OTEL_\w+): /gm)].map(([, name = '']) => name);
}

/** Returns the variables that a document names, in full. */
export function documentedVariables(document: string): readonly string[] {
  return [...document.matchAll(/\b(?:HELIOGRAPH|OTEL)_[A-Z0-9_]+/g)].map(([name]) => name);
}

/** Returns the metrics that a source file creates, as they are called at `/metrics`: a counter ends in `_total`. */
export function createdMetrics(source: string): readonly string[] {
  const created = source.matchAll(
    /\.create(Observable)?(Counter|UpDownCounter|Gauge|Histogram)\(\s*'(\w+)'/g,
  );
  return [...created].map(([, , kind, name = '']) =>
    kind === 'Counter' && !name.endsWith('_total') ? `${name}_total` : name,
  );
}

/** Returns the metrics of ours that a document names, in full. */
export function documentedMetrics(document: string): readonly string[] {
  const names = document.matchAll(
    /`((?:heliograph|http_server|nodejs|process|service|telemetry)_[a-z0-9_]+)[`{]/g,
  );
  return [...names].map(([, name = '']) => name);
}

/** Compares what the code has with what a document names; sorted, each name once. */
export function compareNames(code: readonly string[], document: readonly string[]): NameDifference {
  return { undocumented: withoutThose(code, document), unknown: withoutThose(document, code) };
}

function withoutThose(names: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return [...new Set(names)].filter((name) => !known.has(name)).toSorted();
}
