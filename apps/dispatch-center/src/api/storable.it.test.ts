import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { apiGround } from '../testing/api-ground.ts';

/** What the edge accepts the databases keep as it came: tried on the real ones. */
let api: Awaited<ReturnType<typeof apiGround>>;
let last = 0;
const unique = (prefix: string): string => `${prefix}${++last}`;

beforeAll(async () => {
  api = await apiGround();
});
afterAll(() => api.close());

const SPECIAL_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '0',
  'a.b',
  ' ',
];
const name = fc.oneof(
  fc.constantFrom(...SPECIAL_NAMES),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.string({ minLength: 1, maxLength: 256 }),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', '\0', '\u0000a\u001f\u007f\u2028', '🔥', '\ud800', '\\N', '\\', "'", '{a:String}'),
);
const entries = fc.uniqueArray(fc.tuple(name, text), { maxLength: 8, selector: ([key]) => key });
const zone = fc.oneof(
  fc.constantFrom('Z', '+01:00', '-05:00', '+23:59', '-23:59'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
    .map(([sign, hours, minutes]) => `${sign}${pad(hours)}:${pad(minutes)}`),
);
const instant = fc
  .tuple(
    fc.oneof(
      fc.date({
        noInvalidDate: true,
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59.999Z'),
      }),
      fc.constantFrom(
        ...[
          '0001-01-01T00:00:00Z',
          '0001-01-02T00:00:00Z',
          '1899-12-31T23:59:59.999Z',
          '1969-12-31T23:59:59.001Z',
        ].map((given) => new Date(given)),
        ...['2299-12-31T23:59:59.999Z', '2300-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map(
          (given) => new Date(given),
        ),
      ),
    ),
    zone,
  )
  .map(([date, offset]) => date.toISOString().replace('Z', offset));

function pad(part: number): string {
  return String(part).padStart(2, '0');
}

/** As text, so that `__proto__` is a member like any other. */
function jsonOf(pairs: readonly (readonly [string, unknown])[]): string {
  return `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${typeof value === 'string' ? JSON.stringify(value) : String(value)}`).join()}}`;
}

const isStorable = (given: string): boolean => !/\p{Surrogate}/u.test(given);
const inRange = (given: string): boolean =>
  Date.parse(given) >= Date.parse('0001-01-01T00:00:00Z') &&
  Date.parse(given) <= Date.parse('9999-12-31T23:59:59.999Z');

const rowsOf = async (fingerprint: string) => {
  const rows = await api.issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 });
  return rows.filter((row) => row.fingerprint === fingerprint);
};

describe('every issue that is accepted is stored as it came, and no other suffers from it', () => {
  test('whatever its texts, names and instants', async () => {
    const issue = fc.record({
      monitor: name,
      severity: name,
      labels: entries,
      annotations: entries,
      startsAt: instant,
      endsAt: instant,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(issue, { minLength: 1, maxLength: 6 }), async (issues) => {
        const fingerprint = unique('property');
        const rawBody = `{"issues":[${issues
          .map(({ labels, annotations, ...rest }, index) =>
            jsonOf([
              ...Object.entries(rest).map(([key, value]) => [key, value] as const),
              ['eventId', `${fingerprint}-${index}`],
              ['fingerprint', fingerprint],
              ['status', 'firing'],
            ]).replace(/\}$/, () => `,"labels":${jsonOf(labels)},"annotations":${jsonOf(annotations)}}`),
          )
          .join()}]}`;
        const answer = await api.call('POST', '/api/v1/issues', { rawBody });
        const good = issues.flatMap((given, index) => {
          const texts = [given.monitor, given.severity, ...given.labels.flat(), ...given.annotations.flat()];
          return texts.every(isStorable) && inRange(given.startsAt) && inRange(given.endsAt) ? [index] : [];
        });
        expect(answer.status).toBe(good.length === issues.length ? 200 : good.length === 0 ? 422 : 207);
        if (good.length > 0)
          expect(answer.json.stored.map(({ index }: { index: number }) => index)).toEqual(good);
        const rows = await rowsOf(fingerprint);
        expect(
          rows.map(({ eventId, monitor, severity, labels, annotations, startsAt, endsAt }) => ({
            eventId,
            monitor,
            severity,
            labels: new Map(Object.entries(labels)),
            annotations: new Map(Object.entries(annotations)),
            startsAt,
            endsAt,
          })),
        ).toEqual(
          good.map((index) => {
            const given = issues[index]!;
            return {
              eventId: `${fingerprint}-${index}`,
              monitor: given.monitor,
              severity: given.severity,
              labels: new Map(given.labels),
              annotations: new Map(given.annotations),
              startsAt: Date.parse(given.startsAt),
              endsAt: Date.parse(given.endsAt),
            };
          }),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('two that differ only in a label named constructor are two alerts', async () => {
    const fingerprints = await Promise.all(
      ['a', 'b'].map(async (value) => {
        const rawBody = `{"monitor":"m","status":"firing","labels":{"constructor":"${value}","__proto__":"x"}}`;
        const { json } = await api.call('POST', '/api/v1/issues', { rawBody });
        return json.stored[0].fingerprint;
      }),
    );
    expect(new Set(fingerprints).size).toBe(2);
    const [row] = await rowsOf(fingerprints[0]);
    expect(new Map(Object.entries(row?.labels ?? {}))).toEqual(
      new Map([
        ['constructor', 'a'],
        ['__proto__', 'x'],
      ]),
    );
  });

  test.each<[string, (depth: number) => string]>([
    ['arrays', (depth) => '['.repeat(depth) + ']'.repeat(depth)],
    ['objects', (depth) => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)],
  ])('deeply nested %s are refused, not a fault', async (_, nest) => {
    for (const depth of [10, 1000, 100_000]) {
      for (const rawBody of [
        nest(depth),
        `{"monitor":"m","status":"firing","labels":${nest(depth)}}`,
        `{"issues":[{"monitor":"m","status":"firing","labels":{"a":${nest(depth)}}}]}`,
      ]) {
        const { status } = await api.call('POST', '/api/v1/issues', { rawBody });
        expect([400, 422]).toContain(status);
      }
      const settings = `{"name":"deep","provider":"webhook","secret":"x","settings":{"url":${nest(depth)}}}`;
      const { status } = await api.call('POST', '/api/v1/connected-apps', { rawBody: settings });
      expect([400, 422]).toContain(status);
    }
  });
});

describe('every route that is accepted is stored as it came', () => {
  const number = fc.oneof(
    fc.integer({ min: 0, max: 31 * 86_400_000 }),
    fc.double({ noDefaultInfinity: false }),
    fc.constantFrom(-0, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, 1000, 30 * 86_400_000, 12 * 3_600_000),
  );

  test('whatever its numbers and texts', async () => {
    await fc.assert(
      fc.asyncProperty(number, number, text, async (renotifyIntervalMs, maxSignalAgeMs, ending) => {
        const routeName = `${unique('route ')}${ending}`;
        const body = { name: routeName, query: '', renotifyIntervalMs, maxSignalAgeMs };
        const { status, json } = await api.call('POST', '/api/v1/routes', { body });
        const isWhole = (value: number, most: number): boolean =>
          Number.isInteger(value) && value >= 1000 && value <= most;
        const good =
          // JSON has no Infinity and no NaN: they are null, which the interval takes and the age does not.
          (isWhole(renotifyIntervalMs, 30 * 86_400_000) || !Number.isFinite(renotifyIntervalMs)) &&
          isWhole(maxSignalAgeMs, 12 * 3_600_000) &&
          isStorable(ending) &&
          !ending.includes('\0');
        expect(status).toBe(good ? 201 : 422);
        if (!good) return;
        await expect(api.call('GET', `/api/v1/routes/${json.id}`)).resolves.toMatchObject({
          status: 200,
          json: {
            name: routeName.trim(),
            maxSignalAgeMs,
            renotifyIntervalMs: Number.isFinite(renotifyIntervalMs) ? renotifyIntervalMs : null,
          },
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe('a question that is accepted has an answer', () => {
  test('whatever its fingerprint, event id and time', async () => {
    await fc.assert(
      fc.asyncProperty(text, instant, text, async (fingerprint, at, eventId) => {
        const query = new URLSearchParams({ fingerprint, at, eventId });
        const { status } = await api.call('GET', `/api/v1/explain?${query.toString()}`);
        expect([400, 404]).toContain(status);
      }),
      { numRuns: 60 },
    );
  });
});
