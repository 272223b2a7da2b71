import assert from 'node:assert/strict';
import type { FrontCase } from '../front-case.ts';

const AWKWARD = 'it\'s "quoted" `name` \\ back\tslash\nline {x:String} ; -- ? $ % ü 漢 🎈';

export const parameterCases: readonly FrontCase[] = [
  {
    name: 'a String with every awkward character',
    query: 'select {p:String}',
    params: { p: AWKWARD },
    json: [[AWKWARD]],
  },
  { name: 'an empty String', query: 'select {p:String}', params: { p: '' }, json: [['']] },
  {
    name: 'a String that looks like SQL',
    query: 'select {p:String}',
    params: { p: "'; drop database default; --" },
    json: [["'; drop database default; --"]],
  },
  {
    name: 'the largest UInt64',
    query: 'select {p:UInt64}',
    params: { p: 18446744073709551615n },
    json: [['18446744073709551615']],
  },
  { name: 'a negative Int32', query: 'select {p:Int32}', params: { p: -42 }, json: [[-42]] },
  { name: 'a Float64', query: 'select {p:Float64}', params: { p: 1.5 }, json: [[1.5]] },
  { name: 'a Bool', query: 'select {p:Bool}, not {p:Bool}', params: { p: true }, json: [[true, false]] },
  {
    name: 'a Decimal',
    query: 'select toString({p:Decimal(10, 3)})',
    params: { p: '12.345' },
    json: [['12.345']],
  },
  { name: 'a Date', query: 'select {p:Date}', params: { p: '2026-02-03' }, json: [['2026-02-03']] },
  {
    name: 'a DateTime of a JavaScript Date',
    query: "select toUnixTimestamp({p:DateTime('UTC')})",
    params: { p: new Date(1_700_000_000_000) },
    json: [[1_700_000_000]],
  },
  {
    name: 'a DateTime64 with milliseconds',
    query: "select toUnixTimestamp64Milli({p:DateTime64(3, 'UTC')})",
    params: { p: new Date(1_700_000_000_123) },
    json: [['1700000000123']],
  },
  {
    name: 'a UUID',
    query: 'select {p:UUID}',
    params: { p: '01890a5d-ac96-774b-bcce-b302099a8057' },
    json: [['01890a5d-ac96-774b-bcce-b302099a8057']],
  },
  { name: 'an IPv4', query: 'select {p:IPv4}', params: { p: '10.0.0.1' }, json: [['10.0.0.1']] },
  {
    name: 'an Array of texts with quotes and backslashes',
    query: 'select {p:Array(String)}',
    params: { p: ["it's", 'a\\b', 'c"d', 'e,f]', ''] },
    json: [[["it's", 'a\\b', 'c"d', 'e,f]', '']]],
  },
  { name: 'an empty Array', query: 'select {p:Array(UInt8)}', params: { p: [] }, json: [[[]]] },
  {
    name: 'an Array of Arrays',
    query: 'select {p:Array(Array(UInt8))}',
    params: { p: [[1, 2], [], [3]] },
    json: [[[[1, 2], [], [3]]]],
  },
  {
    name: 'a Tuple',
    run: async ({ client }) => {
      const { TupleParam } = await import('@clickhouse/client');
      const result = await client.query({
        query: 'select {p:Tuple(UInt8, String)}',
        query_params: { p: new TupleParam([7, "it's"]) },
        format: 'JSONCompactEachRow',
      });
      assert.deepEqual(await result.json(), [[[7, "it's"]]]);
    },
  },
  {
    name: 'a Map',
    query: 'select {p:Map(String, UInt8)}',
    params: { p: { "k'1": 1, k2: 2 } },
    json: [[{ "k'1": 1, k2: 2 }]],
  },
  {
    name: 'a Nullable that is null',
    query: 'select {p:Nullable(String)} is null',
    params: { p: null },
    json: [[1]],
  },
  {
    name: 'Identifiers',
    query: 'select {c:Identifier} from system.{t:Identifier}',
    params: { c: 'dummy', t: 'one' },
    json: [[0]],
  },
  {
    name: 'IN over an Array',
    query: 'select number from numbers(5) where number in {p:Array(UInt64)} order by number',
    params: { p: [1, 3] },
    json: [['1'], ['3']],
  },
  {
    name: 'many parameters in one statement',
    query: `select ${Array.from({ length: 30 }, (_, index) => `{p${index}:UInt8}`).join(' + ')}`,
    params: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`p${index}`, index])),
    json: [['435']],
  },
  {
    name: 'parameters in an INSERT … SELECT',
    run: async ({ client, table, rows }) => {
      const name = await table('s String');
      await client.command({ query: `insert into ${name} select {p:String}`, query_params: { p: AWKWARD } });
      assert.deepEqual(await rows(`select s from ${name}`), [[AWKWARD]]);
    },
  },
  {
    name: 'parameters in multipart parts',
    run: async ({ connect }) => {
      const client = connect({ use_multipart_params: true });
      const long = AWKWARD.repeat(500);
      const result = await client.query({
        query: 'select {p:String}, {q:Array(String)}',
        query_params: { p: long, q: ["it's", 'x'] },
        format: 'JSONCompactEachRow',
      });
      assert.deepEqual(await result.json(), [[long, ["it's", 'x']]]);
    },
  },
  {
    name: 'parameters of one request do not reach the next',
    run: async ({ client }) => {
      await (await client.query({ query: 'select {p:String}', query_params: { p: 'x' } })).text();
      await assert.rejects(client.query({ query: 'select {p:String}' }), { code: '456' });
    },
  },
];
