import { DECIMAL_SOURCE, MAX_DECIMAL_LENGTH } from './parse-decimal.ts';
import type { Bound, Pattern, Range, Term } from './query.ts';

/**
 * The ClickHouse expression that holds a field. `sql` is inserted into the condition verbatim, so it must never contain
 * user input.
 *
 * - `text`: a String. The field always exists, even if it is empty.
 * - `nullable`: a Nullable(String). The field is missing if it is NULL.
 * - `map`: one key of a Map(String, String). The field is missing if the map does not contain the key.
 * - `texts`: an Array(String), any element of which may match. The field is missing if the array is empty.
 *
 * Convert columns of any other type in `sql`, for example `toString(code)`.
 */
export type ClickHouseColumn =
  | { readonly kind: 'text'; readonly sql: string }
  | { readonly kind: 'nullable'; readonly sql: string }
  | { readonly kind: 'map'; readonly sql: string; readonly key: string }
  | { readonly kind: 'texts'; readonly sql: string };

/** A test of one column. `values` holds if the column equals any of the texts, case-sensitively. */
export type ColumnPredicate =
  { readonly kind: 'exists' } | { readonly kind: 'values'; readonly texts: readonly string[] } | Term | Range;

/** The bound parameters of one condition. Equal values share one parameter. */
export class ClickHouseParams {
  readonly values: Record<string, string | number | readonly string[]> = {};
  readonly #placeholders = new Map<string, string>();

  /** Binds a value and returns its placeholder. */
  bind(type: 'String' | 'Float64' | 'Array(String)', value: string | number | readonly string[]): string {
    const key = `${type} ${JSON.stringify(value)}`;
    const known = this.#placeholders.get(key);
    if (known !== undefined) return known;
    const name = `p${this.#placeholders.size}`;
    const placeholder = `{${name}:${type}}`;
    this.#placeholders.set(key, placeholder);
    this.values[name] = value;
    return placeholder;
  }
}

/** Compiles a predicate on one column to SQL of type UInt8, never NULL. */
export function compileColumn(
  column: ClickHouseColumn,
  predicate: ColumnPredicate,
  params: ClickHouseParams,
): string {
  const sql = /^\w+$/.test(column.sql) ? column.sql : `(${column.sql})`;
  const exists = predicate.kind === 'exists';
  switch (column.kind) {
    case 'text':
      return exists ? '1' : compileText(sql, predicate, params);
    case 'nullable':
      return exists ? `isNotNull(${sql})` : `ifNull(${compileText(sql, predicate, params)}, 0)`;
    case 'map': {
      if (hasLoneSurrogate(column.key)) return '0';
      const key = params.bind('String', column.key);
      const contains = `mapContains(${sql}, ${key})`;
      return exists ? contains : `(${contains} AND ${compileText(`${sql}[${key}]`, predicate, params)})`;
    }
    case 'texts':
      if (exists) return `notEmpty(${sql})`;
      if (predicate.kind === 'values') return compileMembership(sql, predicate.texts, params);
      return `arrayExists(v -> ${compileText('v', predicate, params)}, ${sql})`;
  }
}

function compileText(
  sql: string,
  predicate: Exclude<ColumnPredicate, { readonly kind: 'exists' }>,
  params: ClickHouseParams,
): string {
  switch (predicate.kind) {
    case 'values': {
      const [first, ...more] = dropLoneSurrogates(predicate.texts);
      if (first === undefined) return '0';
      if (more.length === 0) return `${sql} = ${params.bind('String', first)}`;
      return `${sql} IN ${params.bind('Array(String)', [first, ...more])}`;
    }
    case 'term': {
      const pattern = writeLikePattern(predicate.pattern);
      if (dropLoneSurrogates([pattern]).length === 0) return '0';
      const value = predicate.ignoreCase === true ? `lower(${sql})` : sql;
      return `${value} LIKE ${params.bind('String', pattern)}`;
    }
    case 'range':
      return compileRange(sql, predicate, params);
  }
}

function compileMembership(sql: string, texts: readonly string[], params: ClickHouseParams): string {
  const [first, ...more] = dropLoneSurrogates(texts);
  if (first === undefined) return '0';
  if (more.length === 0) return `has(${sql}, ${params.bind('String', first)})`;
  return `hasAny(${sql}, ${params.bind('Array(String)', [first, ...more])})`;
}

/**
 * A lone surrogate has no UTF-8 encoding, so no stored text or key contains one; bound as a parameter it would arrive as
 * a different character.
 */
function dropLoneSurrogates(texts: readonly string[]): string[] {
  return texts.filter((text) => !hasLoneSurrogate(text));
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

function writeLikePattern(pattern: Pattern): string {
  return pattern
    .map((part) => {
      if (part.kind === 'any-run') return '%';
      return part.kind === 'any-one' ? '_' : part.text.replaceAll(/[%_\\]/g, String.raw`\$&`);
    })
    .join('');
}

/**
 * Parses the text as a double, with the same result as `parseDecimal`. JSONExtract rounds correctly whatever the
 * server's settings are; toFloat64OrNull can be off by one ulp unless `precise_float_parsing` is set. JSON allows
 * neither a plus sign nor leading zeros, and an integer of more than 64 bits is read as a double only if it has an
 * exponent.
 */
function compileRange(sql: string, { low, high }: Range, params: ClickHouseParams): string {
  const json = String.raw`concat(replaceRegexpOne(${sql}, '^[+]?(-?)0*([0-9])', '\\1\\2'), if(match(${sql}, '[eE]'), '', 'e0'))`;
  const number = `JSONExtract(${json}, 'Nullable(Float64)')`;
  const within = (bound: Bound | null, operator: '>' | '<'): string[] =>
    bound === null
      ? []
      : [`${number} ${operator}${bound.inclusive ? '=' : ''} ${params.bind('Float64', bound.value)}`];
  const bounds = [...within(low, '>'), ...within(high, '<')];
  return `(length(${sql}) <= ${MAX_DECIMAL_LENGTH} AND match(${sql}, '${DECIMAL_SOURCE}') AND ${
    bounds.length === 0 ? `isNotNull(${number})` : `ifNull(${bounds.join(' AND ')}, 0)`
  })`;
}
