import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { freshClickHouse, type FreshClickHouse } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClickHouseColumn } from './compile-column.ts';
import { compileClickHouse } from './compile-clickhouse.ts';
import { formatQuery } from './format-query.ts';
import { matchQuery, type FieldLookup } from './match-query.ts';
import { parseQuery } from './parse-query.ts';
import type { Query } from './query.ts';
import { arbitraryQuery, arbitraryText, NUMBER_LIKE } from './testing/arbitrary-query.ts';

interface Row {
  readonly id: number;
  readonly severity: string;
  readonly note: string | null;
  readonly kind: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
}

/** Keys of labels that need quotes in a query, or that engines tend to treat differently. */
const KEYS: readonly string[] = `team|host name|größe|@timestamp|a:b|a.b||.|*|😀|"|\\|'|\0|\n|\uFFFD`
  .concat(`|constructor|prototype|__proto__|hasOwnProperty|é'"\\ {p0:String} %_\n`)
  .split('|');
/** No stored key contains a lone surrogate; bound as a parameter it would be the \uFFFD that is one. */
const LONE_SURROGATE = 'label.\uD83D';
const COLUMNS: Readonly<Record<string, ClickHouseColumn>> = {
  severity: { kind: 'text', sql: 'severity' },
  expression: { kind: 'text', sql: `severity || '.' || toString(length(tags))` },
  note: { kind: 'nullable', sql: 'note' },
  kind: { kind: 'nullable', sql: 'kind' },
  tag: { kind: 'texts', sql: 'tags' },
};
const FIELDS = ['severity', 'expression', 'note', 'kind', 'label.team', 'tag', 'gone'] as const;
const LABEL_FIELDS: readonly string[] = [...KEYS.map((key) => `label.${key}`), LONE_SURROGATE];
const columns = (field: string): ClickHouseColumn | null =>
  field.startsWith('label.')
    ? { kind: 'map', sql: 'labels', key: field.slice('label.'.length) }
    : (COLUMNS[field] ?? null);

function createRowLookup(row: Row): FieldLookup {
  const values: Readonly<Record<string, string | readonly string[] | undefined>> = {
    severity: row.severity,
    expression: `${row.severity}.${row.tags.length}`,
    note: row.note ?? undefined,
    kind: row.kind ?? undefined,
    tag: row.tags,
  };
  return (field) => {
    const key = field.slice('label.'.length);
    if (field.startsWith('label.')) return Object.hasOwn(row.labels, key) ? row.labels[key] : undefined;
    return values[field];
  };
}

const row: fc.Arbitrary<Omit<Row, 'id'>> = fc.record({
  severity: arbitraryText,
  note: fc.option(arbitraryText),
  kind: fc.option(arbitraryText),
  labels: fc
    .tuple(
      fc.option(arbitraryText),
      fc.array(fc.tuple(fc.constantFrom(...KEYS), arbitraryText), { maxLength: 8 }),
    )
    .map(([team, entries]): Readonly<Record<string, string>> =>
      Object.fromEntries([...(team === null ? [] : [['team', team] as const]), ...entries]),
    ),
  tags: fc.array(arbitraryText, { maxLength: 3 }),
});
const ROWS: readonly Row[] = fc
  .sample(row, { numRuns: 300, seed: 20_260 })
  .map((parts, id) => Object.assign({ id }, parts));

let database: FreshClickHouse;
let client: ClickHouseClient;

beforeAll(async () => {
  database = await freshClickHouse('query');
  client = createClient({ url: database.url });
  await client.command({
    query: `create table rows (
      id UInt32, severity String, note Nullable(String), kind LowCardinality(Nullable(String)),
      labels Map(String, String), tags Array(String)
    ) engine = MergeTree order by severity settings index_granularity = 16`,
  });
  await client.insert({ table: 'rows', format: 'JSONEachRow', values: ROWS });
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

async function select(
  sql: string,
  params: Record<string, unknown>,
  settings = {},
): Promise<readonly Record<string, number | string>[]> {
  const result = await client.query({
    query: sql,
    query_params: params,
    format: 'JSONEachRow',
    clickhouse_settings: settings,
  });
  return result.json();
}

async function selectIds(query: Query): Promise<readonly unknown[]> {
  const { sql, params } = compileClickHouse(query, columns);
  return (await select(`select id from rows where ${sql} order by id`, params)).map(({ id }) => id);
}

const matchIds = (query: Query): readonly number[] =>
  ROWS.filter((one) => matchQuery(query, createRowLookup(one))).map(({ id }) => id);

describe('ClickHouse selects the rows that matchQuery matches', () => {
  test('for random queries and values that engines tend to treat differently', async () => {
    const shares: number[] = [];
    await fc.assert(
      fc.asyncProperty(arbitraryQuery(FIELDS), async (query) => {
        const expected = matchIds(query);
        shares.push(expected.length / ROWS.length);
        await expect(selectIds(query)).resolves.toEqual(expected);
      }),
      { numRuns: 400 },
    );
    expect(shares.filter((share) => share > 0 && share < 1).length).toBeGreaterThan(shares.length / 3);
  });

  test('for labels with any name, written as a text', async () => {
    const fields: [string, ...string[]] = ['label.team', ...LABEL_FIELDS];
    const shares: number[] = [];
    await fc.assert(
      fc.asyncProperty(arbitraryQuery(fields), async (query) => {
        const parsed = parseQuery(formatQuery(query), { strict: true });
        const expected = matchIds(query);
        shares.push(expected.length / ROWS.length);
        await expect(selectIds(parsed)).resolves.toEqual(expected);
      }),
      { numRuns: 200 },
    );
    expect(shares.filter((share) => share > 0 && share < 1).length).toBeGreaterThan(shares.length / 4);
  });

  test.each(LABEL_FIELDS)('that have the label %j', async (field) => {
    const query: Query = { kind: 'term', field, pattern: [{ kind: 'any-run' }], position: 0 };
    const expected = matchIds(query);
    expect(expected.length).toBeGreaterThan(field === LONE_SURROGATE ? -1 : 10);
    expect(expected.length).toBeLessThan(ROWS.length);
    const parsed = parseQuery(formatQuery(query), { strict: true });
    await expect(selectIds(parsed)).resolves.toEqual(expected);
    await expect(selectIds({ kind: 'not', operand: parsed })).resolves.toHaveLength(
      ROWS.length - expected.length,
    );
  });

  test('for long patterns', async () => {
    const letters = ['x', 'é', '😀'];
    const texts = letters.flatMap((letter) => [
      `note:*${`${letter}?`.repeat(40)}b*`,
      `note:~*${`?${letter}`.repeat(40)}*`,
      `note:*${letter.repeat(70)}*${letter.repeat(3)}?b`,
      `note:${letter.repeat(33)}?*`,
    ]);
    const values = letters.flatMap((letter) =>
      [0, 1, 31, 32, 33, 64, 79, 80, 81, 100].flatMap((count) =>
        ['', 'b', 'bb', `${letter}b`].map((end) => letter.repeat(count) + end),
      ),
    );
    await client.command({
      query: 'create table notes (id UInt32, x String) engine = MergeTree order by id',
    });
    await client.insert({
      table: 'notes',
      format: 'JSONEachRow',
      values: values.map((x, id) => ({ id, x })),
    });
    for (const text of texts) {
      const query = parseQuery(text);
      const expected = values.flatMap((value, id) => (matchQuery(query, () => value) ? [id] : []));
      expect(expected).not.toEqual([]);
      const { sql, params } = compileClickHouse(query, () => ({ kind: 'text', sql: 'x' }));
      const rows = await select(`select id from notes where ${sql} order by id`, params);
      expect(rows.map(({ id }) => id)).toEqual(expected);
    }
  });

  test.each(
    FIELDS.flatMap((field) =>
      [
        [`${field}:*`, `NOT ${field}:*`, `${field}:""`, `${field}:("" OR a OR b)`, `NOT ${field}:(a OR A)`],
        [`${field}:?`, `${field}:~?`, `${field}:~a*`, `${field}:~"É"`, `${field}:*\\%*`, `${field}:*_*`],
        [`${field}:*\\\\*`, `${field}:*b`, `${field}:a*`, `${field}:>0`, `NOT ${field}:<=1.5`],
        [`${field}:[* TO *]`, `${field}:{0 TO 1]`, `${field}:"{p0:String}" OR ${field}:"' OR 1 --"`],
      ].flat(),
    ),
  )('%s', async (text) => {
    const query = parseQuery(text);
    await expect(selectIds(query)).resolves.toEqual(matchIds(query));
  });

  test('with a condition that is 0 or 1 for every row and not nullable', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryQuery(FIELDS), async (query) => {
        const { sql, params } = compileClickHouse({ kind: 'not', operand: query }, columns);
        const [counted] = await select(
          `select toUInt32(countIf(c = 1)) as ones, toUInt32(countIf(c = 0)) as zeros, 
             any(toTypeName(c) like '%Nullable%') as nullable
           from (select ${sql} as c from rows)`,
          params,
        );
        const ones = ROWS.length - matchIds(query).length;
        expect(counted).toEqual({ ones, zeros: ROWS.length - ones, nullable: 0 });
      }),
      { numRuns: 150 },
    );
  });
});

describe('numbers are parsed exactly', () => {
  const digits = (max: number) => fc.string({ unit: fc.nat(9).map(String), minLength: 1, maxLength: max });
  const decimal = fc
    .record({
      sign: fc.constantFrom('', '-', '+'),
      whole: digits(25),
      fraction: digits(25),
      exponent: fc.integer({ min: -345, max: 310 }),
      form: fc.nat(3),
    })
    .map(
      ({ sign, whole, fraction, exponent, form }) =>
        [whole, `${whole}.${fraction}`, `${whole}.${fraction}e${exponent}`, `${whole}E${exponent}`][
          form
        ]?.replace(/^/, sign) ?? '',
    );
  const texts = [
    ...NUMBER_LIKE,
    ...fc.sample(decimal, { numRuns: 350, seed: 1 }),
    ...fc.sample(fc.double({ noNaN: true }), { numRuns: 200, seed: 2 }).map(String),
    // Halfway between two doubles, and slightly off: rounding twice gives another result than rounding once.
    ...fc
      .sample(fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }), { numRuns: 100, seed: 3 })
      .flatMap((n) => [`${n * 2n + 1n}.0`, `${n * 2n + 1n}.${'0'.repeat(60)}1`]),
  ];

  beforeAll(async () => {
    await client.command({
      query: 'create table decimals (id UInt32, x String) engine = MergeTree order by id',
    });
    await client.insert({
      table: 'decimals',
      format: 'JSONEachRow',
      values: texts.map((x, id) => ({ id, x })),
    });
  });

  test.each([0, 1] as const)('with precise_float_parsing = %i', async (precise_float_parsing) => {
    const values = [
      ...new Set(texts.map((text) => Number(text) + 0).filter((value) => Number.isFinite(value))),
    ];
    let compared = 0;
    for (let from = 0; from < values.length; from += 40) {
      const query: Query = {
        kind: 'or',
        operands: values.slice(from, from + 40).map((value) => {
          const bound = { value, inclusive: true };
          return { kind: 'range', field: 'x', low: bound, high: bound, position: 0 };
        }),
      };
      const expected = texts.flatMap((text, id) => (matchQuery(query, () => text) ? [id] : []));
      const { sql, params } = compileClickHouse(query, () => ({ kind: 'text', sql: 'x' }));
      const rows = await select(`select id from decimals where ${sql} order by id`, params, {
        precise_float_parsing,
      });
      expect(rows.map(({ id }) => id)).toEqual(expected);
      compared += expected.length;
    }
    expect(compared).toBeGreaterThan(700);
  });
});

test('queries of maximum size stay within the limits of the server and the client', async () => {
  const field = 'label.team';
  const texts = [
    `${field}:(${Array.from({ length: 256 }, (_, index) => `[${index} TO 9]`).join(' OR ')})`,
    `${field}:(${Array.from({ length: 256 }, (_, index) => `v${index}`).join(' OR ')})`,
    `${field}:(${Array.from({ length: 256 }, (_, index) => `~v${index}*`).join(' OR ')})`,
    `${field}:${'?'.repeat(4000)}`,
    `${field}:${'?*'.repeat(2000)}`,
    `${'NOT '.repeat(31)}(label.team:a severity:b OR tag:c)`,
  ];
  for (const text of texts) {
    const query = parseQuery(text);
    expect(parseQuery(formatQuery(query)).kind).toBe(query.kind);
    await expect(selectIds(query)).resolves.toEqual(matchIds(query));
  }
});
