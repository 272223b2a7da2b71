import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findUnusedPort } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DEBT, EXPLANATION } from './testing/answers.ts';
import { cannedApi, ran, type Canned } from './testing/canned-api.ts';

let api: Awaited<ReturnType<typeof cannedApi>>;
let folder: string;
const KEY = 'a-key-that-nobody-may-see';

beforeAll(async () => {
  api = await cannedApi();
  folder = mkdtempSync(join(tmpdir(), 'heliograph-cli-'));
  writeFileSync(join(folder, 'key'), `${KEY}\n`);
  writeFileSync(join(folder, 'two-keys'), `${KEY} ${KEY}`);
});
afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  ran(args, { env: { HELIOGRAPH_API_URL: api.url, HELIOGRAPH_API_KEY: KEY, ...env } });
const ok = (body: unknown) => ({ status: 200, body });

const EXPLAINED = `Delivered: on-call (payments). Not notified: a2 (payments) rejected.

alert    podweb1
event    e1
issue    firing, severity critical, by pod-restarts
labels   namespace=payments pod=web-1
since    2026-01-31T11:59:00.000Z
stored   2026-01-31T12:00:00.000Z
scanned  2026-01-31T12:00:01.000Z

+ route payments (version 3)
    Matched, because severity:"critical".
    > on-call (webhook): new
      Delivered at 12:00:02Z: accepted by webhook (HTTP 200) at the second attempt; the first was
      rate-limited (retry after 1 s).
      Delivery attempts
        2026-01-31T12:00:01.120Z  #1  rate limited  HTTP 429  RATE_LIMITED  41 ms
        2026-01-31T12:00:02.307Z  #2  delivered     HTTP 200                53 ms
      Open at the provider.
      Next renotification not before 2026-01-31T12:15:01.100Z.
      Id at the provider: x-1.
    > a2: rejected
      Dropped at 12:00:02Z: the provider refused it permanently.
      Still open at the provider although the alert has resolved.

- route night shift (version 1)
    Not matched: team:"night" does not hold, the issue has no team.
`;

/** The same after a trigger whose delivery was in doubt: the provider may have opened an incident. */
const MAY_BE_OPEN = EXPLAINED.replace('      Still open', '      May still be open');

const DEBTS = `1 incident is still open at the provider although its alert has resolved

podweb1
  route           r1
  connected app   a1
  last notified   2026-01-31T12:00:01.100Z
  alert resolved  2026-01-31T13:00:00.000Z by event e2
  owed resolve    dropped (EXPIRED) at 2026-01-31T14:00:00.000Z
`;

describe('explain alert', () => {
  test('lays the answer out', async () => {
    api.answer(ok(EXPLANATION));
    await expect(ask(['explain', 'alert', 'podweb1'])).resolves.toEqual({
      exitCode: 0,
      out: EXPLAINED,
      err: '',
    });
  });

  test('says that an incident may still be open if its trigger was dropped in doubt', async () => {
    const routes = EXPLANATION.routes.map((route) => ({
      ...route,
      streams: route.streams.map((stream) => (stream.owed ? { ...stream, openNow: false } : stream)),
    }));
    api.answer(ok({ ...EXPLANATION, routes }));
    await expect(ask(['explain', 'alert', 'podweb1'])).resolves.toMatchObject({ out: MAY_BE_OPEN });
  });

  test('names the throttle for which a notification waits', async () => {
    const routes = EXPLANATION.routes.map((route) => ({
      ...route,
      streams: route.streams.map((stream) => ({ ...stream, throttledUntil: '2026-01-31T12:05:00.000Z' })),
    }));
    api.answer(ok({ ...EXPLANATION, routes }));
    const { out } = await ask(['explain', 'alert', 'podweb1']);
    expect(out).toContain(
      '      Waiting: the connected app is throttled until 2026-01-31T12:05:00.000Z.\n      Open at',
    );
  });

  test('asks the API once, with the key', async () => {
    api.answer(ok(EXPLANATION));
    await ask(['explain', 'alert', 'podweb1']);
    expect(api.asked).toEqual([
      { path: '/api/v1/explain', query: { fingerprint: 'podweb1' }, authorization: `Bearer ${KEY}` },
    ]);
  });

  test('prints the answer as it is with --json', async () => {
    const text = JSON.stringify({ ...EXPLANATION, newer: ['member'] }, null, 3);
    api.answer({ status: 200, body: text });
    await expect(ask(['explain', 'alert', 'podweb1', '--json'])).resolves.toEqual({
      exitCode: 0,
      out: `${text}\n`,
      err: '',
    });
  });

  test.each<[string, readonly string[], Record<string, string>]>([
    ['a fingerprint like a number', ['007'], { fingerprint: '007' }],
    ['a fingerprint with spaces', ['Pod web/1 ?'], { fingerprint: 'Pod web/1 ?' }],
    ['an event', ['a', '--event', '12.50'], { fingerprint: 'a', eventId: '12.50' }],
    [
      'an instant',
      ['a', '--at', '2026-01-31T12:00:00Z'],
      { fingerprint: 'a', at: '2026-01-31T12:00:00.000Z' },
    ],
    [
      'an instant elsewhere',
      ['a', '--at=2026-01-31T12:00+02:00'],
      { fingerprint: 'a', at: '2026-01-31T10:00:00.000Z' },
    ],
    ['a day', ['a', '--at', '2026-01-31'], { fingerprint: 'a', at: '2026-01-31T00:00:00.000Z' }],
  ])('asks for %s', async (_, args, query) => {
    api.answer(ok(EXPLANATION));
    await expect(ask(['explain', 'alert', ...args])).resolves.toMatchObject({ exitCode: 0 });
    expect(api.asked).toMatchObject([{ query }]);
  });

  test('that is over', async () => {
    const endsAt = '2026-01-31T11:59:30.000Z';
    api.answer(ok({ ...EXPLANATION, issue: { ...EXPLANATION.issue, status: 'resolved', endsAt } }));
    const { out } = await ask(['explain', 'alert', 'a']);
    expect(out).toContain(`\nsince    2026-01-31T11:59:00.000Z until ${endsAt}\n`);
  });

  test('without an issue, and while no scan saw it', async () => {
    api.answer(ok({ ...EXPLANATION, issue: null, seenAt: null, routes: [] }));
    const { out } = await ask(['explain', 'alert', 'a']);
    expect(out).toContain('\nissue    no longer stored\nscanned  not yet\n');
  });

  test('cannot be made to control the terminal', async () => {
    const evil = '\x1b]0;owned\x07\u202Epay\nload\r';
    api.answer(
      ok({ ...EXPLANATION, summary: evil, issue: { ...EXPLANATION.issue, labels: { [evil]: evil } } }),
    );
    const { out } = await ran(['explain', 'alert', 'a', '--api-url', api.url], {
      isTty: true,
      env: { NO_COLOR: '1' },
    });
    expect(out).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });
});

describe('lines', () => {
  const long = {
    ...EXPLANATION,
    fingerprint: 'f'.repeat(300),
    summary: 'word '.repeat(80) + 'x'.repeat(250),
  };
  const widest = (out: string): number => Math.max(...out.split('\n').map((line) => line.length));

  test.each<[number | undefined, number]>([
    [undefined, 100],
    [200, 100],
    [60, 60],
    [10, 40],
  ])('in a terminal of %s columns have at most %d', async (columns, most) => {
    api.answer(ok(long));
    const options = columns === undefined ? {} : { columns };
    const { out } = await ran(['explain', 'alert', 'a', '--api-url', api.url], options);
    expect(widest(out)).toBeLessThanOrEqual(most);
    expect(out.replaceAll(/\s/g, '')).toContain('f'.repeat(300));
  });

  test.each<[boolean, Record<string, string>, boolean]>([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
  ])('with a TTY %s and %j have colours: %s', async (isTty, env, coloured) => {
    api.answer(ok(EXPLANATION));
    const { out } = await ran(['explain', 'alert', 'a', '--api-url', api.url], { isTty, env });
    expect(out.includes('\x1b[')).toBe(coloured);
    // oxlint-disable-next-line no-control-regex -- colours are what is looked for
    expect(out.replaceAll(/\x1b\[\d+m/g, '')).toBe(EXPLAINED);
  });
});

describe('resolve-debts', () => {
  test('lays them out', async () => {
    api.answer(ok({ items: [DEBT], nextCursor: null }));
    await expect(ask(['resolve-debts'])).resolves.toEqual({ exitCode: 0, out: DEBTS, err: '' });
  });

  test('follows pages, of which some are empty', async () => {
    api.answer(
      ok({ items: [], nextCursor: 'c1' }),
      ok({ items: [DEBT], nextCursor: 'c2' }),
      ok({ items: [{ ...DEBT, intent: null, newer: 1 }], nextCursor: null }),
    );
    const { out } = await ask(['resolve-debts', '--json']);
    expect(JSON.parse(out)).toEqual({ items: [DEBT, { ...DEBT, intent: null, newer: 1 }], nextCursor: null });
    expect(api.asked.map(({ query }) => query)).toEqual([
      { limit: '200' },
      { limit: '200', cursor: 'c1' },
      { limit: '200', cursor: 'c2' },
    ]);
  });

  test.each<[readonly string[], boolean]>([
    [['--limit=7', '--timeout=3', '--json=false'], false],
    [['--limit', '7', '--timeout', '3', '--json=true'], true],
  ])('takes values as --name value and --name=value: %j', async (args, isJson) => {
    api.answer(ok({ items: [DEBT], nextCursor: null }));
    const { exitCode, out } = await ask(['resolve-debts', ...args]);
    expect([exitCode, out.startsWith('{')]).toEqual([0, isJson]);
  });

  test.each([1, 2, 5, 66, 67, 100])(
    'lists %i of 67 at most, and goes on after the last one',
    async (limit) => {
      // Every ninth open stream is a debt; `limit` of the API counts the streams that it examines.
      const debts = Array.from({ length: 600 }, (_, n) =>
        n % 9 === 4 ? [{ ...DEBT, workflowId: `w${n}` }] : [],
      );
      api.answer(({ query }) => {
        const from = Number(query['cursor'] ?? 0);
        const to = from + Number(query['limit']);
        return ok({
          items: debts.slice(from, to).flat(),
          nextCursor: to >= debts.length ? null : String(to),
        });
      });
      const { out } = await ask(['resolve-debts', '--json', '--limit', String(limit)]);
      const { items, nextCursor } = JSON.parse(out);
      const all = debts.flat().map(({ workflowId }) => workflowId);
      expect(items.map(({ workflowId }: { workflowId: string }) => workflowId)).toEqual(all.slice(0, limit));
      const next = nextCursor === null ? [] : debts.slice(Number(nextCursor)).flat();
      expect(next.map(({ workflowId }) => workflowId)).toEqual(all.slice(limit));
      expect(api.asked.length).toBeLessThan(200);
    },
  );

  test('ends at the limit, with a note', async () => {
    api.answer(ok({ items: [DEBT, DEBT], nextCursor: 'c1' }));
    const { out } = await ask(['resolve-debts', '--limit', '2']);
    expect(out).toMatch(
      /^More than 2 incidents are still open at the provider although their alerts have resolved\n/,
    );
    expect(out).toMatch(/\nThere are more\. Raise --limit to list them\.\n$/);
    expect(api.asked).toHaveLength(1);
  });

  test('does not follow a page that names itself', async () => {
    api.answer(ok({ items: [], nextCursor: 'c1' }));
    await expect(ask(['resolve-debts'])).resolves.toMatchObject({
      exitCode: 1,
      err: 'heliograph: the API returned the same page twice\n',
    });
  });

  test('says that there is none', async () => {
    api.answer(ok({ items: [], nextCursor: null }));
    await expect(ask(['resolve-debts'])).resolves.toEqual({
      exitCode: 0,
      out: 'Every incident whose alert has resolved is closed at the provider.\n',
      err: '',
    });
  });
});

describe('what fails is one line', () => {
  const problem = (status: number, code: string, more: object = {}): Canned => ({
    status,
    body: { status, code, requestId: 'req-1', ...more },
  });

  test.each<[Canned, number, string]>([
    [problem(404, 'DISPATCH_ALERT_UNKNOWN'), 3, 'no issue is known with this fingerprint'],
    [
      problem(500, 'DISPATCH_ALERT_UNKNOWN'),
      1,
      'the API failed (500, DISPATCH_ALERT_UNKNOWN, request req-1)',
    ],
    [
      problem(404, 'NOT_FOUND', { detail: 'No such path.' }),
      1,
      'the API refused the request (404, NOT_FOUND, request req-1): No such path.',
    ],
    [
      problem(401, 'CREDENTIALS_INVALID'),
      1,
      'the API does not accept the key (401, CREDENTIALS_INVALID, request req-1)',
    ],
    [
      problem(403, 'SCOPE_MISSING'),
      1,
      'the key lacks the scope explain:read (403, SCOPE_MISSING, request req-1)',
    ],
    [
      problem(503, 'UNAVAILABLE', { detail: 'Try again.' }),
      1,
      'the API failed (503, UNAVAILABLE, request req-1): Try again.',
    ],
    [problem(429, 'SLOW_DOWN'), 1, 'the API failed (429, SLOW_DOWN, request req-1)'],
    [
      problem(400, 'INPUT_INVALID', { errors: [{ pointer: 'eventId', detail: 'Too long.' }] }),
      2,
      'the API does not accept the request (400, INPUT_INVALID, request req-1): eventId: Too long.',
    ],
    [{ status: 502, body: '<html>\nbad gateway' }, 1, 'the API failed (502)'],
    [{ status: 302, body: '' }, 1, 'the API refused the request (302)'],
  ])('%j', async (answer, exitCode, line) => {
    api.answer(answer);
    await expect(ask(['explain', 'alert', 'a'])).resolves.toEqual({
      exitCode,
      out: '',
      err: `heliograph: ${line}\n`,
    });
    expect(api.asked).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['HTML', '<html>'],
    ['another object', { hello: 'world' }],
    ['half an explanation', { ...EXPLANATION, routes: [{}] }],
  ])('%s instead of an answer', async (_, body) => {
    api.answer(ok(body));
    await expect(ask(['explain', 'alert', 'a', '--json'])).resolves.toEqual({
      exitCode: 1,
      out: '',
      err: `heliograph: ${api.url} sent an answer that this version does not understand; is it a Dispatch Center?\n`,
    });
  });

  test('nobody listens', async () => {
    const url = `http://127.0.0.1:${await findUnusedPort()}`;
    await expect(ask(['resolve-debts', '--api-url', url])).resolves.toEqual({
      exitCode: 1,
      out: '',
      err: `heliograph: ${url} cannot be reached (ECONNREFUSED)\n`,
    });
  });

  test('nobody answers', async () => {
    api.answer('silence');
    await expect(ask(['resolve-debts', '--timeout', '0.2'])).resolves.toEqual({
      exitCode: 1,
      out: '',
      err: `heliograph: ${api.url} did not answer within 0.2 s\n`,
    });
  });

  test('without a key, an unauthorized caller learns how to provide one', async () => {
    api.answer(problem(401, 'CREDENTIALS_REQUIRED'));
    const { err } = await ask(['resolve-debts'], { HELIOGRAPH_API_KEY: '' });
    expect(err).toBe(
      'heliograph: the API requires a key (401, CREDENTIALS_REQUIRED, request req-1); set HELIOGRAPH_API_KEY or use --api-key-file\n',
    );
    expect(api.asked).toMatchObject([{ authorization: undefined }]);
  });
});

describe('wrong usage is 2 and asks nobody', () => {
  test.each<[readonly string[], Record<string, string>, RegExp]>([
    [[], {}, /expected a command/],
    [['explain'], {}, /explain: expected a subject/],
    [['expalin'], {}, /explain/],
    [['explain', 'alert'], {}, /Not enough/],
    [['explain', 'alert', ''], {}, /FINGERPRINT/],
    [['explain', 'alert', 'a', 'b'], {}, /Unknown argument: b/],
    [['explain', 'alert', 'a', '--colour'], {}, /Unknown argument: colour/],
    [['explain', 'alert', 'a', '--at', 'yesterday'], {}, /--at/],
    [['explain', 'alert', 'a', '--at', '2026-13-01T00:00:00Z'], {}, /--at/],
    [['explain', 'alert', 'a', '--at', '2026-02-31T00:00:00Z'], {}, /--at/],
    [['explain', 'alert', 'a', '--at'], {}, /Not enough arguments following: at/],
    [['resolve-debts', 'x'], {}, /Unknown/],
    [['resolve-debts', '--json=maybe'], {}, /--json: expected true or false/],
    [['explain', 'alert', 'a', '--event='], {}, /--event: expected at least one character/],
    [['explain', 'alert', 'a', '--json='], {}, /--json: expected true or false/],
    [['resolve-debts', '--help=perhaps'], {}, /--help: expected true or false/],
    [['resolve-debts', '--limit='], {}, /--limit/],
    [['resolve-debts', '--limit', '0'], {}, /--limit/],
    [['resolve-debts', '--limit', 'many'], {}, /--limit/],
    [['resolve-debts', '--timeout', '0'], {}, /--timeout/],
    [['resolve-debts', '--timeout', 'x'], {}, /--timeout/],
    [['resolve-debts', '--api-url', 'localhost:4600'], {}, /--api-url/],
    [['resolve-debts', '--api-url', 'ftp://localhost'], {}, /--api-url/],
    [['resolve-debts', '--api-url', `http://me:${KEY}@localhost`], {}, /--api-url.*without user/],
    [['resolve-debts'], { HELIOGRAPH_API_URL: 'nowhere' }, /HELIOGRAPH_API_URL/],
    [['resolve-debts'], { HELIOGRAPH_API_KEY: `${KEY}\n${KEY}` }, /HELIOGRAPH_API_KEY/],
    [['resolve-debts', '--api-key', KEY], {}, /HELIOGRAPH_API_KEY or use --api-key-file/],
    [['resolve-debts', `--api-key=${KEY}`], {}, /HELIOGRAPH_API_KEY or use --api-key-file/],
    [['resolve-debts', `--apiKey=${KEY}`], {}, /HELIOGRAPH_API_KEY or use --api-key-file/],
    [['resolve-debts', '--api-key-file', 'no-such-file'], {}, /cannot be read/],
  ])('%j %j', async (args, env, line) => {
    api.answer(ok(EXPLANATION));
    const { exitCode, out, err } = await ask(args, env);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toMatch(/^heliograph: [^\n]+\n$/);
    expect(err).toMatch(line);
    expect(err).not.toContain(KEY);
    expect(api.asked).toEqual([]);
  });
});

describe('the key', () => {
  test('is read from a file, which counts before the environment', async () => {
    api.answer(ok({ items: [], nextCursor: null }));
    await ask(['resolve-debts', '--api-key-file', join(folder, 'key')], { HELIOGRAPH_API_KEY: 'another' });
    expect(api.asked).toMatchObject([{ authorization: `Bearer ${KEY}` }]);
  });

  test('is one', async () => {
    const { exitCode, err } = await ask(['resolve-debts', '--api-key-file', join(folder, 'two-keys')]);
    expect([exitCode, err]).toEqual([
      2,
      'heliograph: --api-key-file: expected one key of printable characters without spaces\n',
    ]);
  });
});

test('a newer API may answer with reasons, kinds and members that this version does not know', async () => {
  const [route] = EXPLANATION.routes;
  const streams = route?.streams.map((stream) => ({ ...stream, reason: 'muted_by_moon', newer: 1 }));
  api.answer(ok({ ...EXPLANATION, routes: [{ ...route, reason: 'by_chance', streams }] }));
  const { exitCode, out } = await ask(['explain', 'alert', 'a']);
  expect([exitCode, out]).toEqual([0, expect.stringContaining('> on-call (webhook): muted by moon\n')]);
});

test('an address may have a path', async () => {
  api.answer(ok({ items: [], nextCursor: null }));
  await ask(['resolve-debts', '--api-url', `${api.url}/dispatch`]);
  expect(api.asked).toMatchObject([{ path: '/dispatch/api/v1/resolve-debts' }]);
});

describe('help, version and completion', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['--help'], ['explain', 'resolve-debts', 'completion', 'Exit codes: 0 answered']],
    [['explain', '--help'], ['alert <fingerprint>']],
    [
      ['explain', 'alert', '--help'],
      ['--at', '--event', '--json', '--api-url', '--api-key-file', '--timeout'],
    ],
    [
      ['resolve-debts', '--help'],
      ['--limit', '--json', '--api-url'],
    ],
    [['completion', '--help'], ['completion']],
    [['--version'], ['0.0.0']],
    [['completion'], ['heliograph --get-yargs-completions', '###-end-heliograph-completions-###']],
    [
      ['--get-yargs-completions', 'heliograph', ''],
      ['explain', 'resolve-debts', 'completion'],
    ],
    [['--get-yargs-completions', 'heliograph', 'explain', ''], ['alert']],
    [
      ['--get-yargs-completions', 'heliograph', 'explain', 'alert', '--'],
      ['--at', '--event', '--json'],
    ],
  ])('%j', async (args, parts) => {
    const { exitCode, out, err } = await ran(args);
    expect([exitCode, err]).toEqual([0, '']);
    for (const part of parts) expect(out).toContain(part);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });
});
