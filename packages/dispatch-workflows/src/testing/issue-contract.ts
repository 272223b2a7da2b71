import { describe, expect, test } from '@jest/globals';
import { comparePositions, positionBefore } from '../contract/position.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { IssueStore } from '../issues/issue-store.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { newIssue, nextId } from './store-drafts.ts';

/** What every store of issues promises, with the ledger that holds which of them were seen. */
export function describeIssues(
  given: () => { readonly issues: IssueStore; readonly ledger: Pick<Ledger, 'write'> },
): void {
  describe('issues of any store', () => {
    const from = (rows: readonly StoredIssue[], fingerprint: string) =>
      rows.filter((row) => row.fingerprint === fingerprint);
    const all = (fingerprint: string) =>
      given()
        .issues.scan({ from: '0', after: { position: '0', eventId: '' }, limit: 100_000 })
        .then((rows) => from(rows, fingerprint));

    test('of one insert and of inserts one after another get positions in their order', async () => {
      const fingerprint = nextId('order');
      const batches = Array.from({ length: 5 }, (_, batch) =>
        Array.from({ length: 200 }, (__, index) => newIssue({ fingerprint, eventId: `o${batch}.${index}` })),
      );
      for (const [index, batch] of batches.entries())
        await given().issues.append(batch, `${fingerprint}${index}`);
      const rows = await all(fingerprint);
      expect(rows.map(({ eventId }) => eventId)).toEqual(batches.flat().map(({ eventId }) => eventId));
      expect(new Set(rows.map(({ position }) => position)).size).toBe(rows.length);
    });

    test('are stored once however often one insert is repeated', async () => {
      const fingerprint = nextId('once');
      const issues = [newIssue({ fingerprint }), newIssue({ fingerprint })];
      for (let attempt = 0; attempt < 3; attempt++)
        await given().issues.append(issues, `token-${fingerprint}`);
      await expect(all(fingerprint)).resolves.toHaveLength(2);
      await given().issues.append(issues, `other-${fingerprint}`);
      await expect(all(fingerprint)).resolves.toHaveLength(4);
    });

    test('that the ledger does not know are found between two positions', async () => {
      const fingerprint = nextId('unseen');
      const batch = Array.from({ length: 5 }, () => newIssue({ fingerprint }));
      await given().issues.append(batch, fingerprint);
      const rows = await all(fingerprint);
      const seen = rows.filter((_, index) => index % 2 === 0);
      await given().ledger.write({
        entries: seen.map(({ position, eventId, storedAt }) => ({
          id: `${position}:seen`,
          at: storedAt,
          stage: 'seen',
          fingerprint,
          eventId,
          position,
        })),
        runs: [],
      });
      const after = positionBefore(rows[0]?.position ?? '0', 1);
      const find = (limit: number, upTo = rows.at(-1)?.position ?? '0') =>
        given().issues.findUnseen({ after, upTo, limit });
      await expect(find(10)).resolves.toEqual([rows[1], rows[3]]);
      await expect(find(1)).resolves.toEqual([rows[1]]);
      await expect(find(10, rows[2]?.position)).resolves.toEqual([rows[1]]);
    });

    test('are scanned page by page, none twice and none left out', async () => {
      const fingerprint = nextId('page');
      await given().issues.append(
        Array.from({ length: 25 }, (_, index) => newIssue({ fingerprint, eventId: `p${index}` })),
        fingerprint,
      );
      const rows = await all(fingerprint);
      const start = rows[0]?.position ?? '0';
      const seen: StoredIssue[] = [];
      for (let after = { position: start, eventId: '' }; ;) {
        const page = await given().issues.scan({ from: start, after, limit: 7 });
        seen.push(...page);
        const end = page.at(-1);
        if (page.length < 7 || end === undefined) break;
        after = { position: end.position, eventId: end.eventId };
      }
      expect(from(seen, fingerprint).map(({ eventId }) => eventId)).toEqual(
        rows.map(({ eventId }) => eventId),
      );
      const positions = seen.map(({ position }) => position);
      expect(positions).toEqual(positions.toSorted(comparePositions));
    });

    test('are read one by one and many at once, as null if one is gone', async () => {
      const fingerprint = nextId('read');
      const issues = Array.from({ length: 30 }, (_, index) =>
        newIssue({ fingerprint, eventId: `read-${index}`, annotations: { summary: `number ${index}` } }),
      );
      await given().issues.append(issues, fingerprint);
      const rows = await all(fingerprint);
      const read = await Promise.all(rows.map((row) => given().issues.read(row)));
      expect(read).toEqual(rows);
      await expect(given().issues.read({ position: '1', eventId: 'read-1' })).resolves.toBeNull();
      const [first, second] = rows;
      await expect(
        Promise.all([
          given().issues.read({ position: first?.position ?? '', eventId: second?.eventId ?? '' }),
          given().issues.read({ position: second?.position ?? '', eventId: first?.eventId ?? '' }),
        ]),
      ).resolves.toEqual([null, null]);
    });
  });
}
