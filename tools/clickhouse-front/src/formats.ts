const CONTENT_TYPES: Readonly<Record<string, string>> = {
  JSON: 'application/json; charset=UTF-8',
  JSONCompact: 'application/json; charset=UTF-8',
  JSONStrings: 'application/json; charset=UTF-8',
  JSONCompactStrings: 'application/json; charset=UTF-8',
  JSONColumns: 'application/json; charset=UTF-8',
  JSONColumnsWithMetadata: 'application/json; charset=UTF-8',
  JSONObjectEachRow: 'application/json; charset=UTF-8',
  CSV: 'text/csv; charset=UTF-8; header=absent',
  CSVWithNames: 'text/csv; charset=UTF-8; header=present',
  CSVWithNamesAndTypes: 'text/csv; charset=UTF-8; header=present',
  XML: 'application/xml; charset=UTF-8',
  Parquet: 'application/octet-stream',
  Native: 'application/octet-stream',
  RowBinary: 'application/octet-stream',
  Arrow: 'application/octet-stream',
  ArrowStream: 'application/octet-stream',
  ORC: 'application/octet-stream',
};

/** Formats whose chunks are whole rows without a head or tail: only they can be sent while the query runs. */
const ROW_FORMATS = new Set(
  [
    'JSONEachRow',
    'JSONStringsEachRow',
    'JSONCompactEachRow',
    'JSONCompactStringsEachRow',
    'NDJSON',
    'JSONLines',
  ].concat(['CSV', 'TSV', 'TabSeparated', 'TSVRaw', 'TabSeparatedRaw']),
);

/** Gives the content type of a format. */
export function contentTypeOf(format: string): string {
  const fallback = /EachRow|NDJSON|JSONLines/.test(format)
    ? 'application/x-ndjson; charset=UTF-8'
    : 'text/tab-separated-values; charset=UTF-8';
  return CONTENT_TYPES[format] ?? fallback;
}

/** Says whether a result of this format can be sent chunk by chunk. */
export function isRowFormat(format: string, settings: Readonly<Record<string, string>>): boolean {
  return ROW_FORMATS.has(format) && (settings['output_format_json_array_of_rows'] ?? '0') === '0';
}
