import { describe, expect, test } from '@jest/globals';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { positionAt } from '../contract/position.ts';
import type { StreamKey } from '../contract/stream-state.ts';
import type { BacklogStore } from '../scan/backlog-store.ts';

let last = 0;

const signalAt = (at: number, parts: Partial<IssueSignal> = {}): IssueSignal => ({
  eventId: `e${at}`,
  position: positionAt(at),
  status: 'firing',
  storedAt: at,
  policy: { version: 1, renotifyIntervalMs: null, maxSignalAgeMs: 3_600_000 },
  ...parts,
});

/** What every backlog promises. `given` makes an empty one and a way to let time pass in it. */
export function describeBacklog(
  given: () => {
    readonly backlog: BacklogStore;
    /** Makes everything that waits older by so many milliseconds. */
    readonly age: (ms: number) => Promise<void>;
    readonly clear: () => Promise<void>;
  },
): void {
  const streamOf = (connectedAppId: string, fingerprint = `f${++last}`): StreamKey => ({
    fingerprint,
    routeId: 'r',
    connectedAppId,
  });
  const fresh = async () => {
    const ground = given();
    await ground.clear();
    return ground;
  };

  describe('a backlog', () => {
    test('that is empty has nothing due', async () => {
      const { backlog } = await fresh();
      await backlog.park([]);
      await backlog.remove([]);
      await backlog.postpone([], 'unreachable');
      await expect(backlog.listDue()).resolves.toEqual({ appIds: [], nextAttemptInMs: null });
      await expect(backlog.takeDue(new Map([['a', 5]]), 10)).resolves.toEqual([]);
      await expect(backlog.summarize()).resolves.toEqual({
        streams: { over_share: 0, unreachable: 0 },
        oldestAgeMs: 0,
      });
    });

    test('keeps the newest signal of a stream, where the first one stands, and how many there were', async () => {
      const { backlog } = await fresh();
      const stream = streamOf('a');
      await backlog.park([{ stream, signals: [signalAt(20), signalAt(30)], reason: 'over_share' }]);
      await backlog.park([{ stream, signals: [signalAt(10)], reason: 'over_share' }]);
      await backlog.park([{ stream, signals: [signalAt(40, { status: 'resolved' })], reason: 'over_share' }]);
      const [entry, ...others] = await backlog.takeDue(new Map([['a', 5]]), 10);
      expect(others).toEqual([]);
      expect(entry).toMatchObject({
        stream,
        signal: signalAt(40, { status: 'resolved' }),
        firstPosition: positionAt(10),
        signals: 4,
        reason: 'over_share',
        attempts: 0,
      });
      await expect(backlog.listByFingerprint(stream.fingerprint)).resolves.toEqual([entry]);
    });

    const firing = (at: number): IssueSignal => signalAt(at);
    const suppressed = (at: number): IssueSignal => signalAt(at, { status: 'suppressed' });
    const resolved = (at: number): IssueSignal => signalAt(at, { status: 'resolved' });
    test.each<[string, readonly (readonly IssueSignal[])[], IssueSignal, IssueSignal | undefined]>([
      ['before a firing', [[suppressed(1)], [firing(2)]], firing(2), suppressed(1)],
      ['parked at once with a firing', [[suppressed(1), firing(2)]], firing(2), suppressed(1)],
      ['parked after a newer firing', [[firing(3)], [suppressed(2)]], firing(3), suppressed(2)],
      [
        'the newest of several',
        [[suppressed(1)], [firing(2)], [suppressed(3)], [firing(4), firing(5)]],
        firing(5),
        suppressed(3),
      ],
      [
        'before a resolve and a firing',
        [[suppressed(1)], [resolved(2)], [firing(3)]],
        firing(3),
        suppressed(1),
      ],
      [
        'parked at once with a resolve before a firing',
        [[suppressed(1), resolved(2)], [firing(3)]],
        firing(3),
        suppressed(1),
      ],
      ['not before a resolve', [[suppressed(1)], [firing(2)], [resolved(3)]], resolved(3), undefined],
      ['not besides a newer one', [[suppressed(1)], [firing(2)], [suppressed(3)]], suppressed(3), undefined],
    ])('keeps a suppression where it counts: %s', async (_, parked, newest, kept) => {
      const { backlog } = await fresh();
      const stream = streamOf('a');
      for (const signals of parked) await backlog.park([{ stream, signals, reason: 'over_share' }]);
      const [entry] = await backlog.takeDue(new Map([['a', 1]]), 10);
      expect(entry?.signal).toEqual(newest);
      expect(entry?.suppressed).toEqual(kept);
    });

    test.each(['nul\u0000 inside', 'half \ud83d of a pair', 'plain "\\u0000" text'])(
      'gives an event id back as it was: %j',
      async (eventId) => {
        const { backlog } = await fresh();
        const signals = [
          signalAt(1, { eventId: `${eventId}1`, status: 'suppressed' }),
          signalAt(2, { eventId }),
        ];
        for (const signal of signals)
          await backlog.park([{ stream: streamOf('a', 'odd'), signals: [signal], reason: 'over_share' }]);
        await expect(backlog.listByFingerprint('odd')).resolves.toMatchObject([
          { suppressed: signals[0], signal: signals[1] },
        ]);
      },
    );

    test('takes a request for an owed resolve over the same resolve without it', async () => {
      const { backlog } = await fresh();
      const stream = streamOf('a');
      const resolve = signalAt(20, { status: 'resolved' });
      for (const signal of [resolve, { ...resolve, owed: true }, resolve])
        await backlog.park([{ stream, signals: [signal], reason: 'over_share' }]);
      const [entry] = await backlog.takeDue(new Map([['a', 1]]), 10);
      expect(entry?.signal.owed).toBe(true);
    });

    test('gives each app as many as it may start, the longest waiting first, in turns', async () => {
      const { backlog, age } = await fresh();
      const park = async (appId: string, fingerprint: string): Promise<void> => {
        await backlog.park([
          { stream: streamOf(appId, fingerprint), signals: [signalAt(1)], reason: 'over_share' },
        ]);
        await age(10);
      };
      for (const fingerprint of ['f1', 'f2', 'f3']) await park('a', fingerprint);
      await park('b', 'f4');
      await park('c', 'f5');
      await expect(backlog.listDue()).resolves.toMatchObject({ appIds: ['a', 'b', 'c'], nextAttemptInMs: 0 });
      const taken = async (starts: readonly (readonly [string, number])[], limit: number) =>
        (await backlog.takeDue(new Map(starts), limit)).map(({ stream }) => stream.fingerprint);
      await expect(
        taken(
          [
            ['a', 2],
            ['b', 2],
            ['c', 0],
          ],
          10,
        ),
      ).resolves.toEqual(['f1', 'f4', 'f2']);
      await expect(
        taken(
          [
            ['a', 9],
            ['b', 9],
            ['c', 9],
          ],
          4,
        ),
      ).resolves.toEqual(['f1', 'f4', 'f5', 'f2']);
    });

    test('waits for an unreachable stream, twice as long after each failure, and then tries it whatever its app may start', async () => {
      const { backlog, age } = await fresh();
      const stream = streamOf('a');
      const waits: number[] = [];
      const note = async (): Promise<void> => {
        const [entry] = await backlog.listByFingerprint(stream.fingerprint);
        const { nextAttemptInMs } = await backlog.listDue();
        expect(entry?.attempts).toBe(waits.length + 1);
        waits.push(Math.round((nextAttemptInMs ?? 0) / 1000));
      };
      await backlog.park([{ stream, signals: [signalAt(1)], reason: 'unreachable' }]);
      await note();
      await expect(backlog.listDue()).resolves.toMatchObject({ appIds: [] });
      await expect(backlog.takeDue(new Map([['a', 5]]), 10)).resolves.toEqual([]);
      await age(1500);
      await expect(backlog.listDue()).resolves.toMatchObject({ appIds: ['a'] });
      await expect(backlog.takeDue(new Map([['a', 0]]), 10)).resolves.toHaveLength(1);
      for (let attempt = 0; attempt < 10; attempt++) {
        await backlog.postpone([stream], 'unreachable');
        await note();
      }
      expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    });

    test('keeps the wait of an unreachable stream that gets another signal', async () => {
      const { backlog } = await fresh();
      const stream = streamOf('a');
      await backlog.park([{ stream, signals: [signalAt(1)], reason: 'unreachable' }]);
      await backlog.park([{ stream, signals: [signalAt(2)], reason: 'over_share' }]);
      const [entry] = await backlog.listByFingerprint(stream.fingerprint);
      expect(entry).toMatchObject({ reason: 'unreachable', attempts: 1, signals: 2 });
      await expect(backlog.listDue()).resolves.toMatchObject({ appIds: [] });
    });

    test('makes a stream that was reached but does not run wait for its share', async () => {
      const { backlog, age } = await fresh();
      const stream = streamOf('a');
      await backlog.park([{ stream, signals: [signalAt(1)], reason: 'unreachable' }]);
      await age(1500);
      await backlog.postpone([stream], 'over_share');
      const [entry] = await backlog.takeDue(new Map([['a', 1]]), 10);
      expect(entry).toMatchObject({ reason: 'over_share', attempts: 1 });
    });

    test('removes what was handed over, but not what got a newer signal meanwhile', async () => {
      const { backlog } = await fresh();
      const [gone, stays] = [streamOf('a'), streamOf('a')];
      for (const stream of [gone, stays])
        await backlog.park([{ stream, signals: [signalAt(1)], reason: 'over_share' }]);
      const taken = await backlog.takeDue(new Map([['a', 5]]), 10);
      await backlog.park([{ stream: stays, signals: [signalAt(2)], reason: 'over_share' }]);
      await backlog.remove(taken);
      await expect(backlog.listByFingerprint(gone.fingerprint)).resolves.toEqual([]);
      await expect(backlog.listByFingerprint(stays.fingerprint)).resolves.toMatchObject([
        { signal: { eventId: 'e2' }, signals: 2 },
      ]);
    });

    test('counts what waits by reason, and how long the oldest has waited', async () => {
      const { backlog, age } = await fresh();
      for (const reason of ['over_share', 'over_share', 'unreachable'] as const) {
        await backlog.park([{ stream: streamOf('a'), signals: [signalAt(1)], reason }]);
        await age(1000);
      }
      const { streams, oldestAgeMs } = await backlog.summarize();
      expect(streams).toEqual({ over_share: 2, unreachable: 1 });
      expect(Math.round(oldestAgeMs / 1000)).toBe(3);
    });
  });
}
