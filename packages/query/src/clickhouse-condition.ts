import { DECIMAL_SOURCE, MAX_DECIMAL_LENGTH } from './decimal.ts';
import type { Bound, Pattern, Range, Term } from './query.ts';

/**
 * How a field is read in ClickHouse. `sql` is an expression that the programmer writes; nothing that a user gives
 * may be in it.
 *
 * - `text`: a String that is always there, also when it is empty.
 * - `nullable`: a Nullable(String); NULL means that the field is not there.
 * - `map`: one key of a Map(String, String); a field without the key is not there.
 * - `texts`: an Array(String), of which any element may match; an empty one means that the field is not there.
 *
 * Other types take a conversion in `sql`, such as `toString(code)`.
 */
export type ClickHouseColumn =
  | { readonly kind: 'text'; readonly sql: string }
  | { readonly kind: 'nullable'; readonly sql: string }
  | { readonly kind: 'map'; readonly sql: string; readonly key: string }
  | { readonly kind: 'texts'; readonly sql: string };

/** What is asked about a column; `values` asks for any of some whole texts, in their own case. */
export type ColumnQuestion =
  { readonly kind: 'exists' } | { readonly kind: 'values'; readonly texts: readonly string[] } | Term | Range;

/** Collects bound parameters; equal ones share a name. */
export class ClickHouseParams {
  readonly values: Record<string, string | number | readonly string[]> = {};
  readonly #placeholders = new Map<string, string>();

  /** Gives the placeholder to write for a value. */
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

/** Writes the condition that a question puts to a column: a UInt8, never NULL. */
export function columnCondition(
  column: ClickHouseColumn,
  question: ColumnQuestion,
  params: ClickHouseParams,
): string {
  const sql = /^\w+$/.test(column.sql) ? column.sql : `(${column.sql})`;
  const exists = question.kind === 'exists';
  switch (column.kind) {
    case 'text':
      return exists ? '1' : textCondition(sql, question, params);
    case 'nullable':
      return exists ? `isNotNull(${sql})` : `ifNull(${textCondition(sql, question, params)}, 0)`;
    case 'map': {
      const key = params.bind('String', column.key);
      const contains = `mapContains(${sql}, ${key})`;
      return exists ? contains : `(${contains} AND ${textCondition(`${sql}[${key}]`, question, params)})`;
    }
    case 'texts':
      if (exists) return `notEmpty(${sql})`;
      if (question.kind === 'values') return elementIn(sql, question.texts, params);
      return `arrayExists(v -> ${textCondition('v', question, params)}, ${sql})`;
  }
}

function textCondition(
  sql: string,
  question: Exclude<ColumnQuestion, { readonly kind: 'exists' }>,
  params: ClickHouseParams,
): string {
  switch (question.kind) {
    case 'values': {
      const [first, ...more] = storable(question.texts);
      if (first === undefined) return '0';
      if (more.length === 0) return `${sql} = ${params.bind('String', first)}`;
      return `${sql} IN ${params.bind('Array(String)', [first, ...more])}`;
    }
    case 'term': {
      const pattern = likePattern(question.pattern);
      if (storable([pattern]).length === 0) return '0';
      const value = question.ignoreCase === true ? `lower(${sql})` : sql;
      return `${value} LIKE ${params.bind('String', pattern)}`;
    }
    case 'range':
      return decimalCondition(sql, question, params);
  }
}

function elementIn(sql: string, texts: readonly string[], params: ClickHouseParams): string {
  const [first, ...more] = storable(texts);
  if (first === undefined) return '0';
  if (more.length === 0) return `has(${sql}, ${params.bind('String', first)})`;
  return `hasAny(${sql}, ${params.bind('Array(String)', [first, ...more])})`;
}

/** Half of a surrogate pair has no UTF-8, so no stored text has it, and a parameter would arrive as another text. */
function storable(texts: readonly string[]): string[] {
  return texts.filter((text) => !/\p{Surrogate}/u.test(text));
}

function likePattern(pattern: Pattern): string {
  return pattern
    .map((part) => {
      if (part.kind === 'any-run') return '%';
      return part.kind === 'any-one' ? '_' : part.text.replaceAll(/[%_\\]/g, String.raw`\$&`);
    })
    .join('');
}

/**
 * Reads the text as a double in the way `decimalOf` does. JSONExtract rounds correctly whatever the server's
 * settings; toFloat64OrNull does so only with `precise_float_parsing`, and is an ulp off without. JSON takes no plus
 * and no leading zeros, and reads whole numbers beyond 64 bits as doubles only where they have an exponent.
 */
function decimalCondition(sql: string, { low, high }: Range, params: ClickHouseParams): string {
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
