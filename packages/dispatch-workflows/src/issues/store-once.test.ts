import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { eventHashOf, type EventContent } from './event-hash.ts';
import type { NewIssue, ReportedIssue, StoredEvent } from './issue.ts';
import { createStoreOnce } from './store-once.ts';

const content: EventContent = {
  monitor: 'm',
  fingerprint: 'f',
  status: 'firing',
  severity: 's',
  labels: { a: '1', b: '2' },
  annotations: {},
  startsAt: null,
  endsAt: null,
};
const report = (
  eventId: string,
  status: 'firing' | 'resolved' = 'firing',
  mayRepeat = true,
): ReportedIssue => ({
  ...content,
  status,
  eventId,
  mayRepeat,
  startsAt: 0,
  startsAtGiven: false,
  eventHash: eventHashOf({ ...content, status }),
});

/** A store that takes its time and forgets no row; an answer to an insert may be lost. */
function slowStore(loses: () => boolean = () => false) {
  const rows: NewIssue[] = [];
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    rows,
    append: async (issues: readonly NewIssue[]) => {
      await pause();
      rows.push(...issues);
      await pause();
      if (loses()) throw new Error('no answer in time');
    },
    findEvents: async (eventIds: readonly string[]) => {
      await pause();
      const found = new Map<string, StoredEvent[]>();
      for (const [index, { eventId, eventHash = '0' }] of rows.entries())
        if (eventIds.includes(eventId) && !found.has(eventId))
          found.set(eventId, [{ position: String(index), eventHash }]);
      await pause();
      return found;
    },
    read: async () => null,
  };
}

describe('the hash of an event', () => {
  test('does not depend on the order of labels, and on nothing else but its content', () => {
    expect(eventHashOf({ ...content, labels: { b: '2', a: '1' } })).toBe(eventHashOf(content));
    const variants: Partial<EventContent>[] = [
      {},
      { monitor: 'x' },
      { fingerprint: 'x' },
      { status: 'resolved' },
      { severity: 'x' },
      { labels: { a: '1' } },
      { labels: {}, annotations: content.labels },
      { startsAt: 0 },
      { endsAt: 0 },
    ];
    const hashes = variants.map((parts) => eventHashOf({ ...content, ...parts }));
    expect(new Set(hashes).size).toBe(variants.length);
    for (const hash of hashes) expect(BigInt(hash) > 0n && BigInt(hash) < 2n ** 64n).toBe(true);
  });
});

test('whatever is reported, in whatever batches, at once and again after lost answers, is stored once', async () => {
  const event = fc.record({ id: fc.integer({ min: 0, max: 5 }), resolved: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 1, maxLength: 5 }), { maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      async (batches, losses) => {
        const store = slowStore(() => losses.next().value);
        const storeOnce = createStoreOnce(store);
        const reports = batches.map((batch) =>
          batch.map(({ id, resolved }) => report(`e${id}`, resolved ? 'resolved' : 'firing')),
        );
        const send = async (batch: readonly ReportedIssue[]) => {
          for (;;) {
            try {
              return await storeOnce(batch);
            } catch {
              // The answer was lost: the monitor repeats.
            }
          }
        };
        const outcomes = await Promise.all(reports.map(send));
        const byId = new Map(store.rows.map((row) => [row.eventId, row]));
        expect(byId.size).toBe(store.rows.length);
        for (const [place, batch] of reports.entries())
          for (const [at, { eventId, eventHash }] of batch.entries())
            // Stored means that its content is there; refused, that another one is.
            expect(byId.get(eventId)?.eventHash === eventHash).toBe(outcomes[place]?.[at] !== 'reused');
      },
    ),
    { numRuns: 200 },
  );
});

test('an id that was made for one request is not looked up', async () => {
  const store = slowStore();
  let asked = 0;
  const storeOnce = createStoreOnce({
    ...store,
    findEvents: (ids) => {
      asked++;
      return store.findEvents(ids);
    },
  });
  await expect(storeOnce([report('new', 'firing', false)])).resolves.toEqual(['stored']);
  expect([asked, store.rows.length]).toEqual([0, 1]);
});
