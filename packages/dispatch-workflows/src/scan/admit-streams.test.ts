import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { beginAdmission, mayStartStream } from './admit-streams.ts';

/** An admission that knows so many running streams, and how many of each app. */
async function admission(
  ceiling: number,
  running: number | null,
  runningOf: ReadonlyMap<string, number> = new Map(),
) {
  const asked: (readonly string[])[] = [];
  const begun = await beginAdmission(
    {
      estimate: async () => running,
      estimateOf: async (appIds) => {
        asked.push(appIds);
        return new Map([...runningOf].filter(([appId]) => appIds.includes(appId)));
      },
    },
    ceiling,
  );
  return { ...begun, asked };
}

/** Starts as many streams of an app as it may; nothing ends. */
async function fill(
  appId: string,
  { ceiling, held }: { readonly ceiling: number; readonly held: ReadonlyMap<string, number> },
): Promise<ReadonlyMap<string, number>> {
  const running = [...held.values()].reduce((sum, each) => sum + each, 0);
  const { prepare, take } = await admission(ceiling, running, new Map([[appId, 0], ...held]));
  await prepare([appId], ceiling);
  let own = held.get(appId) ?? 0;
  while (take(appId)) own++;
  return new Map([...held, [appId, own]]);
}

describe('admission', () => {
  test.each<[string, number, number]>([
    ['one dead app alone holds four fifths', 5000, 4000],
    ['also of a small ceiling', 20, 16],
    ['and of the smallest one place', 1, 1],
  ])('%s', async (_, ceiling, expected) => {
    expect((await fill('dead', { ceiling, held: new Map() })).get('dead')).toBe(expected);
  });

  test('the second dead app gets a share of the rest, and the third finds room as well', async () => {
    const ceiling = 5000;
    let held: ReadonlyMap<string, number> = new Map();
    for (const app of ['dead1', 'dead2', 'dead3']) held = await fill(app, { ceiling, held });
    expect([...held]).toEqual([
      ['dead1', 4000],
      ['dead2', 800],
      ['dead3', 160],
    ]);
    expect(mayStartStream({ ceiling, running: 4960, ofApp: 0 })).toBe(true);
  });

  test('a newcomer finds room below the ceiling, and nobody at it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat(12_000), (ceiling, running) => {
        expect(mayStartStream({ ceiling, running, ofApp: 0 })).toBe(running < ceiling);
      }),
    );
  });

  test('no sequence of starts exceeds the ceiling, and no app its share', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 300 }),
        async (ceiling, starts) => {
          const apps = ['a', 'b', 'c'];
          const budget = await admission(ceiling, 0, new Map(apps.map((app) => [app, 0])));
          await budget.prepare(apps, ceiling);
          const held = new Map<string, number>();
          let running = 0;
          for (const app of starts) {
            const ofApp = held.get(app) ?? 0;
            expect(budget.roomOf(app, 1) > 0).toBe(mayStartStream({ ceiling, running, ofApp }));
            if (!budget.take(app)) continue;
            held.set(app, ofApp + 1);
            running++;
          }
          expect(running).toBeLessThanOrEqual(ceiling);
        },
      ),
    );
  });

  test('says beforehand how many starts an app would get', async () => {
    const budget = await admission(20, 10, new Map([['a', 10]]));
    await budget.prepare(['a'], 10);
    const room = budget.roomOf('a', 100);
    let taken = 0;
    while (budget.take('a')) taken++;
    expect(taken).toBe(room);
    expect(room).toBe(6);
  });

  test('while the number of running streams is unknown starts a few, and one app not all of them', async () => {
    const budget = await admission(5000, null);
    await budget.prepare(['dead', 'other'], 500);
    expect(budget.asked).toEqual([]);
    let dead = 0;
    while (budget.take('dead')) dead++;
    expect(dead).toBe(40);
    expect(budget.take('other')).toBe(true);
  });

  test('an app that could not be counted may start a few, and none at the ceiling', async () => {
    const budget = await admission(100, 90);
    expect(budget.roomOf('a', 100)).toBe(5);
    expect(budget.roomOf('a', 3)).toBe(3);
    const full = await admission(100, 100);
    expect(full.take('a')).toBe(false);
  });

  test('all apps that could not be counted share half of the room', async () => {
    const budget = await admission(1000, 910);
    let started = 0;
    for (let n = 0; n < 150; n++) while (budget.take(`a${n}`)) started++;
    expect(started).toBe(40);
    expect(budget.roomOf('another', 5)).toBe(0);
  });

  test('with 150 busy apps, of which any may be uncounted, a newcomer always finds room', async () => {
    const apps = Array.from({ length: 150 }, (_, n) => `a${n}`);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1700, max: 6000 }),
        fc.array(fc.subarray(apps), { minLength: 30, maxLength: 60 }),
        fc.integer({ min: 0, max: 5 }),
        async (ceiling, scans, ended) => {
          const held = new Map(apps.map((app) => [app, 10]));
          const sum = (): number => [...held.values()].reduce((all, each) => all + each, 0);
          for (const counted of scans) {
            const budget = await admission(
              ceiling,
              sum(),
              new Map(counted.map((app) => [app, held.get(app) ?? 0])),
            );
            await budget.prepare(apps, 500);
            for (let n = 0; n < 500; n++) {
              const app = apps[n % apps.length] ?? '';
              if (budget.take(app)) held.set(app, (held.get(app) ?? 0) + 1);
            }
            for (const app of apps.slice(0, ended)) held.set(app, Math.max(4, (held.get(app) ?? 0) - 1));
            const next = await admission(ceiling, sum(), new Map([['newcomer', 0]]));
            await next.prepare(['newcomer'], 1);
            expect(sum()).toBeLessThan(ceiling);
            expect(next.take('newcomer')).toBe(true);
          }
        },
      ),
      { numRuns: 10 },
    );
  });

  test.each([
    [0, 500, false],
    [3499, 500, false],
    [3500, 500, true],
    [4999, 0, true],
  ])('with %d of 5000 running and %d starts, asks for shares: %p', async (running, starts, expected) => {
    const { prepare, asked } = await admission(5000, running);
    await prepare(['a'], starts);
    expect(asked.length > 0).toBe(expected);
  });
});
