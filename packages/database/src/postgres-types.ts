import type postgres from 'postgres';

// Built-in element types and their array types, by oid.
const ARRAYS: readonly (readonly [element: number, array: number])[] = [
  [16, 1000], // bool
  [17, 1001], // bytea
  [20, 1016], // int8
  [21, 1005], // int2
  [23, 1007], // int4
  [25, 1009], // text
  [114, 199], // json
  [700, 1021], // float4
  [701, 1022], // float8
  [1043, 1015], // varchar
  [1082, 1182], // date
  [1114, 1115], // timestamp
  [1184, 1185], // timestamptz
  [1700, 1231], // numeric
  [2950, 2951], // uuid
  [3802, 3807], // jsonb
];
const INSTANTS = [1082, 1083, 1114, 1184];
const JSON_TYPES = [114, 3802];

type Parse = (text: string) => unknown;
type Serialize = (value: unknown) => unknown;

/**
 * Makes one pool serve tagged queries and drizzle alike. postgres.js would fetch the array types on every new
 * connection, and when the server dies under that query the rejection reaches nobody and ends the process; so
 * the built-in ones are set here. drizzle replaces the codecs of dates and JSON by the identity; so instants
 * are read as text by everybody, and Dates, objects and arrays are still accepted as parameters.
 */
export function shareCodecs(sql: postgres.Sql): void {
  // The published types have neither these members nor their mutability; drizzle sets them in the same way.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const options = sql.options as unknown as {
    readonly parsers: Record<number, Parse>;
    readonly serializers: Record<number, Serialize>;
    readonly shared: { readonly typeArrayMap: Record<number, number> };
  };
  for (const oid of INSTANTS) {
    options.parsers[oid] = (text) => text;
    options.serializers[oid] = (value) => (value instanceof Date ? value.toISOString() : value);
  }
  // Text is taken for JSON that is ready, because that is what drizzle passes.
  for (const oid of JSON_TYPES)
    options.serializers[oid] = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  for (const [element, array] of ARRAYS) {
    const parseElement = options.parsers[element];
    options.parsers[array] = (text) => parseArray(text, parseElement);
    options.serializers[array] = (value) =>
      Array.isArray(value) ? serializeArray(value, options.serializers[element]) : value;
    options.shared.typeArrayMap[element] = array;
  }
}

/** Writes an array literal; texts are always quoted, so that none is taken for NULL. */
export function serializeArray(values: readonly unknown[], serialize: Serialize = String): string {
  const items = values.map((value) => {
    if (Array.isArray(value)) return serializeArray(value, serialize);
    if (value === null || value === undefined) return 'NULL';
    return `"${String(serialize(value)).replaceAll(/["\\]/g, '\\$&')}"`;
  });
  return `{${items.join(',')}}`;
}

/** Reads an array literal of any depth; elements go through `parse`, NULL becomes null. */
export function parseArray(literal: string, parse: Parse = (text) => text): unknown[] {
  let at = literal.indexOf('{');
  const readItem = (): unknown => {
    if (literal[at] === '{') return readList();
    if (literal[at] !== '"') {
      const start = at;
      while (at < literal.length && literal[at] !== ',' && literal[at] !== '}') at += 1;
      const text = literal.slice(start, at);
      return text === 'NULL' ? null : parse(text);
    }
    let text = '';
    for (at += 1; at < literal.length && literal[at] !== '"'; at += 1) {
      if (literal[at] === '\\') at += 1;
      text += literal[at] ?? '';
    }
    at += 1;
    return parse(text);
  };
  const readList = (): unknown[] => {
    const items: unknown[] = [];
    at += 1;
    while (at < literal.length && literal[at] !== '}') {
      items.push(readItem());
      if (literal[at] === ',') at += 1;
    }
    at += 1;
    return items;
  };
  return at === -1 ? [] : readList();
}
