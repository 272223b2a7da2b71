import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditEntry, chainEntries, type ChainedEntry, EMPTY_CHAIN } from '@heliograph/codec-audit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { cannedApi, ran } from '../testing/canned-api.ts';

let api: Awaited<ReturnType<typeof cannedApi>>;
let folder: string;
let checkpoint: string;

beforeAll(async () => {
  api = await cannedApi();
  folder = mkdtempSync(join(tmpdir(), 'heliograph-audit-'));
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  checkpoint = join(mkdtempSync(join(folder, 'c-')), 'checkpoint.json');
});

const entryOf = (index: number): AuditEntry => ({
  at: new Date(Date.parse('2026-01-31T12:00:00.000Z') + index),
  requestId: `req-${index}`,
  subject: index % 2 === 0 ? 'user:ada' : null,
  action: 'decode',
  namespace: index % 2 === 0 ? 'default' : null,
  domain: index % 2 === 0 ? 'dispatch' : null,
  keyId: index % 2 === 0 ? 'k1' : null,
  count: index + 1,
  outcome: index % 2 === 0 ? 'allowed' : 'denied',
  reason: index % 2 === 0 ? null : 'CREDENTIALS_REQUIRED',
});
const CHAIN = chainEntries(
  EMPTY_CHAIN,
  Array.from({ length: 5 }, (_, index) => entryOf(index)),
);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const viewOf = ({ at, previousHash, hash, ...entry }: ChainedEntry) => ({
  ...entry,
  at: at.toISOString(),
  previousHash: hex(previousHash),
  hash: hex(hash),
});
/** Answers as the codec server does, two entries a page. */
const serve = (chain: readonly ChainedEntry[]) =>
  api.answer(({ query }) => {
    const after = Number(query['cursor'] ?? 0);
    const items = chain.slice(after, after + 2).map(viewOf);
    return { status: 200, body: { items, nextCursor: after + 2 < chain.length ? String(after + 2) : null } };
  });
const ask = (...args: readonly string[]) =>
  ran(['audit', ...args], {
    env: { HELIOGRAPH_CODEC_API_URL: api.url, HELIOGRAPH_CODEC_API_KEY: 'key-of-an-auditor' },
  });
const at = (index: number): ChainedEntry => {
  const entry = CHAIN[index];
  if (entry === undefined) throw new RangeError(`no entry ${index}`);
  return entry;
};

describe('list', () => {
  test('lays entries out, and follows pages up to its limit', async () => {
    serve(CHAIN.toReversed());
    await expect(ask('list', '--limit', '3')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: `2026-01-31T12:00:00.004Z  #5  user:ada  decode  allowed  default/dispatch  k1  5 payloads
2026-01-31T12:00:00.003Z #4 - decode denied - - 4 payloads CREDENTIALS_REQUIRED
2026-01-31T12:00:00.002Z  #3  user:ada  decode  allowed  default/dispatch  k1  3 payloads

There are more. Raise --limit to list them.
`,
    });
    expect(api.asked).toMatchObject([
      { path: '/api/v1/audit/entries', authorization: 'Bearer key-of-an-auditor', query: { limit: '4' } },
      { query: { cursor: '2' } },
    ]);
  });

  test('passes conditions on', async () => {
    serve([]);
    const { exitCode, out } = await ask(
      'list',
      ...'--subject user:ada --namespace n --domain d --key k1 --request r --action decode'.split(' '),
      ...'--outcome denied --from 2026-01-31 --to 2026-02-01T00:00:00Z'.split(' '),
    );
    expect([exitCode, out]).toEqual([0, 'No entry of the audit log matches.\n']);
    expect(api.asked[0]?.query).toEqual({
      limit: '51',
      subject: 'user:ada',
      namespace: 'n',
      domain: 'd',
      keyId: 'k1',
      requestId: 'r',
      action: 'decode',
      outcome: 'denied',
      from: '2026-01-31T00:00:00.000Z',
      to: '2026-02-01T00:00:00.000Z',
    });
  });

  test('prints JSON', async () => {
    serve(CHAIN);
    const { out } = await ask('list', '--json', '--limit', '5');
    expect(JSON.parse(out)).toEqual({ items: CHAIN.map(viewOf), hasMore: false });
  });

  test.each([
    [['list', '--outcome', 'maybe'], /outcome/],
    [['list', '--from', 'yesterday'], /--from/],
    [['list', '--limit', '0'], /--limit/],
    [[], /list or verify/],
  ])('%j is wrong usage', async (args, line) => {
    const { exitCode, err } = await ask(...args);
    expect(exitCode).toBe(2);
    expect(err).toMatch(line);
  });

  test('a key without the scope is told which one it lacks', async () => {
    api.answer({ status: 403, body: { code: 'SCOPE_MISSING', requestId: 'r1' } });
    await expect(ask('list')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the key lacks the scope audit:read (403, SCOPE_MISSING, request r1)\n',
    });
  });
});

describe('verify', () => {
  test('recomputes the chain, and keeps its end as a checkpoint', async () => {
    serve(CHAIN.slice(0, 3));
    const head = hex(at(2).hash);
    await expect(ask('verify', '--checkpoint', checkpoint, '--init')).resolves.toEqual({
      exitCode: 0,
      err: '',
      out: `3 entries are intact; no checkpoint was compared, so that entries may be missing at the end.\nhead 3 ${head}\n`,
    });
    expect(JSON.parse(readFileSync(checkpoint, 'utf8'))).toMatchObject({ sequence: 3, hash: head });
    serve(CHAIN);
    const again = await ask('verify', '--checkpoint', checkpoint);
    expect(again.out).toBe(
      `5 entries are intact, and hold the checkpoint at entry 3.\nhead 5 ${hex(at(4).hash)}\n`,
    );
    expect(JSON.parse(readFileSync(checkpoint, 'utf8'))).toMatchObject({ sequence: 5 });
    expect(readdirSync(join(checkpoint, '..'))).toEqual(['checkpoint.json']);
  });

  test('an empty log is intact', async () => {
    serve([]);
    await expect(ask('verify')).resolves.toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^0 entries/),
    });
  });

  const forged = chainEntries(
    EMPTY_CHAIN,
    CHAIN.map((entry, index) => (index === 1 ? { ...entry, subject: 'user:eve' } : entry)),
  );
  test.each<[string, readonly ChainedEntry[], RegExp]>([
    ['changed', CHAIN.with(1, { ...at(1), count: 9 }), /entry 2: it was changed; 1 entries before/],
    ['removed', CHAIN.toSpliced(1, 1), /entry 3: entries before it are missing/],
    ['truncated', CHAIN.slice(0, 3), /entry 4: it is missing, although the checkpoint has it/],
    ['rewritten', forged, /entry 4: it is not the entry of the checkpoint/],
    ['emptied', [], /entry 1: it is missing/],
  ])('a log that was %s is found, and its checkpoint stays', async (_, chain, line) => {
    serve(CHAIN.slice(0, 4));
    await ask('verify', '--checkpoint', checkpoint, '--init');
    const kept = readFileSync(checkpoint, 'utf8');
    serve(chain);
    const { exitCode, out, err } = await ask('verify', '--checkpoint', checkpoint);
    expect([exitCode, out]).toEqual([4, '']);
    expect(err).toMatch(line);
    expect(readFileSync(checkpoint, 'utf8')).toBe(kept);
  });

  test.each([
    ['2026-01-31T12:00:00Z', 4],
    ['2026-01-31T13:00:00.000+01:00', 4],
    ['never', 4],
  ])('an instant that is spelt %s was not stored like that', async (spelt, expected) => {
    api.answer({ status: 200, body: { items: [{ ...viewOf(at(0)), at: spelt }], nextCursor: null } });
    await expect(ask('verify')).resolves.toMatchObject({ exitCode: expected });
  });

  test('a server that gives the same page for ever is not believed', async () => {
    api.answer(({ query }) => ({
      status: 200,
      body: { items: query['cursor'] === undefined ? [viewOf(at(0))] : [], nextCursor: 'again' },
    }));
    await expect(ask('verify')).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the API returned the same page twice\n',
    });
  });

  test('a failure in the middle leaves no checkpoint', async () => {
    api.answer({ status: 200, body: { items: [viewOf(at(0))], nextCursor: '1' } }, { status: 500, body: {} });
    await expect(ask('verify', '--checkpoint', checkpoint, '--init')).resolves.toMatchObject({
      exitCode: 1,
      out: '',
    });
    expect(existsSync(checkpoint)).toBe(false);
  });

  test('a checkpoint that is missing is not taken for the first one', async () => {
    serve(CHAIN);
    const { exitCode, out, err } = await ask('verify', '--checkpoint', checkpoint);
    expect([exitCode, out, err]).toEqual([2, '', expect.stringContaining('does not exist')]);
    expect(existsSync(checkpoint)).toBe(false);
    expect(api.asked).toEqual([]);
  });

  test('a checkpoint that exists is not made anew', async () => {
    serve(CHAIN.slice(0, 3));
    await ask('verify', '--checkpoint', checkpoint, '--init');
    const kept = readFileSync(checkpoint, 'utf8');
    serve(CHAIN);
    const { exitCode, err } = await ask('verify', '--checkpoint', checkpoint, '--init');
    expect([exitCode, err]).toEqual([2, expect.stringContaining('exists already')]);
    expect(readFileSync(checkpoint, 'utf8')).toBe(kept);
    await expect(ask('verify', '--init')).resolves.toMatchObject({ exitCode: 2 });
  });

  test.each([
    '{',
    '[]',
    '{"sequence":1}',
    '{"sequence":-1,"hash":"00"}',
    `{"sequence":1,"hash":"${'g'.repeat(64)}"}`,
  ])('a file that is no checkpoint is refused: %s', async (text) => {
    writeFileSync(checkpoint, text);
    serve(CHAIN);
    const { exitCode, err } = await ask('verify', '--checkpoint', checkpoint);
    expect([exitCode, err]).toEqual([2, expect.stringContaining('is not a checkpoint')]);
    expect(api.asked).toEqual([]);
  });

  test('a checkpoint that cannot be written is an error, and nothing is left behind', async () => {
    serve(CHAIN);
    const nowhere = join(folder, 'missing', 'checkpoint.json');
    await expect(ask('verify', '--checkpoint', nowhere, '--init')).resolves.toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('cannot be written (ENOENT)'),
    });
  });

  test('prints JSON, also of a log that is not intact', async () => {
    serve(CHAIN.toSpliced(1, 1));
    const { exitCode, out } = await ask('verify', '--json');
    expect(exitCode).toBe(4);
    expect(JSON.parse(out)).toEqual({
      kind: 'broken',
      fault: 'missing',
      sequence: 3,
      head: { sequence: 1, hash: hex(at(0).hash) },
      checkpoint: null,
    });
  });

  test('shows how far it is where people look', async () => {
    serve(CHAIN);
    const { err, exitCode } = await ran(['audit', 'verify'], {
      env: { HELIOGRAPH_CODEC_API_URL: api.url },
      isTty: true,
    });
    expect(exitCode).toBe(0);
    expect(err).toBe('\r\u001B[K1 entries verified\r\u001B[K');
  });
});
