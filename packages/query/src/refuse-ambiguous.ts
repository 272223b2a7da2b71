import { QueryError } from './errors.ts';
import { formatLeaf, formatValue } from './format-leaf.ts';
import type { Range, Term } from './query.ts';
import { readValue } from './read-value.ts';

/** Longer readings are not shown. */
const MAX_READING_LENGTH = 200;

/** A value as it was read: the text from `start` to `end`. */
export interface ReadValue {
  readonly leaf: Term | Range;
  readonly start: number;
  readonly end: number;
  /** Whether the value is one of a value set. */
  readonly inSet: boolean;
}

/**
 * Refuses an unquoted value with a colon: in `a:b:c`, the field may be meant to be `a` or `a:b`. A colon that begins
 * `://` starts a URL, and nothing after it is ambiguous.
 *
 * @throws {QueryError} `QUERY_AMBIGUOUS` with the position of the colon, and how to write either meaning.
 */
export function refuseAmbiguous(text: string, value: ReadValue): void {
  const colon = findColon(text, value.start, value.end);
  if (colon < 0 || value.leaf.kind === 'range') return;
  throw new QueryError(
    'QUERY_AMBIGUOUS',
    colon,
    `the colon may belong to the value or to the name of a field; ${adviseReadings(text, value, colon)}`,
  );
}

function findColon(text: string, start: number, end: number): number {
  if (text.startsWith('"', start) || text.startsWith('~"', start)) return -1;
  for (let offset = start; offset < end; offset++) {
    const character = text.charAt(offset);
    if (character === '\\') offset++;
    else if (character === ':') return text.startsWith('://', offset) ? -1 : offset;
  }
  return -1;
}

function adviseReadings(text: string, { leaf, start, end, inSet }: ReadValue, colon: number): string {
  const before = text.slice(start, colon).replaceAll(/\\([^])/g, '$1');
  const field = inSet ? before : `${leaf.field}:${before}`;
  const other = formatLeaf(readRest(text.slice(colon + 1, end), field));
  const asValue = inSet ? formatValue(leaf) : formatLeaf(leaf);
  if (asValue.length + other.length > MAX_READING_LENGTH)
    return 'quote the value, or the whole name of the field';
  return inSet
    ? `write ${asValue} for a value of ${leaf.field}, or ${other} outside of these parentheses`
    : `write ${asValue} for the field ${leaf.field}, or ${other}`;
}

/** Reads what is after the colon as a value of its own; what is none, such as nothing, is a text. */
function readRest(rest: string, field: string): Term | Range {
  const term = { field, position: 0 };
  try {
    return readValue(rest, 0, term).leaf;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { kind: 'term', ...term, pattern: rest === '' ? [] : [{ kind: 'literal', text: rest }] };
  }
}
