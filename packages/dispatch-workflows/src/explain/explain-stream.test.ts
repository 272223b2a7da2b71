import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IssueSignal } from '../contract/issue-signal.ts';
import { comparePositions, timeOf } from '../contract/position.ts';
import { NOTICES } from '../testing/explained-notices.ts';
import { SILENCES } from '../testing/explained-silences.ts';
import { explainFacts, matched, NOON, routeVersion, seen } from '../testing/explain-facts.ts';
import { type SimulatedFate, simulateStream, type Step } from '../testing/simulated-stream.ts';
import { storedIssue } from '../testing/stored-issue.ts';
import { explainAlert } from './explain-alert.ts';
import { STREAM_REASONS } from './explanation.ts';
import type { ExplainFacts } from './facts.ts';

const only = (facts: ExplainFacts) => {
  const { routes } = explainAlert(facts);
  const [route] = routes;
  const [stream] = route?.streams ?? [];
  if (route === undefined || stream === undefined) throw new Error('there is no stream');
  expect([routes.length, route.streams.length]).toEqual([1, 1]);
  return stream;
};
describe.each([
  ['that decided to notify', NOTICES],
  ['that stayed silent or did not decide', SILENCES],
])('a stream %s is explained', (_, rows) => {
  test.each(rows)('$reason, $outcome: $name', ({ facts, reason, outcome, summary, also = {} }) => {
    const stream = only(explainFacts(facts));
    expect(stream).toMatchObject({ reason, ...also });
    expect(stream.outcome.kind).toBe(outcome);
    expect(stream.summary).toBe(summary);
  });
});

test('every reason of a stream is in the tables', () => {
  const shown = new Set([...NOTICES, ...SILENCES].map(({ reason }) => reason));
  expect([...shown].toSorted()).toEqual([...STREAM_REASONS].toSorted());
});

describe('the records of a stream explain the decision about every issue', () => {
  const STREAM = { fingerprint: 'f1', routeId: 'r1', connectedAppId: 'a' };
  const issueAt = (second: number, status: IssueSignal['status']) =>
    storedIssue(NOON / 1000 + second, { status, labels: { namespace: 'payments' } });
  // Each issue: its status, whether it matches, how late it becomes visible, and how often it is signalled once more.
  const issues = fc.array(
    fc.record({
      status: fc.constantFrom<IssueSignal['status'][]>(
        'firing',
        'firing',
        'firing',
        'firing',
        'resolved',
        'suppressed',
      ),
      matches: fc.constantFrom(true, true, true, false),
      lateBy: fc.constantFrom(0, 0, 0, 0, 3),
      again: fc.constantFrom(0, 0, 0, 1, 2),
    }),
    { minLength: 5, maxLength: 25 },
  );

  test('even if runs span others, and issues arrive late or again', async () => {
    await fc.assert(
      fc.asyncProperty(
        issues,
        fc.constantFrom(null, 5000, 60_000),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom<SimulatedFate[]>('delivered', 'delivered', 'dropped', 'dropped in doubt'), {
          minLength: 7,
          maxLength: 7,
        }),
        async (given, renotifyIntervalMs, batch, fates) => {
          const policy = { version: 1, renotifyIntervalMs, maxSignalAgeMs: 3_600_000 };
          const rows = given.map(({ status }, index) => issueAt(index, status));
          // Who is seen when: at its own second, in steps of `batch` seconds, later where it became visible late.
          const seenIn = given.map(({ lateBy }, index) => Math.floor((index + lateBy) / batch) + 1);
          const atOf = (step: number): number => NOON + step * batch * 1000 + 500;
          const count = Math.max(0, ...seenIn) + 3;
          const steps = Array.from({ length: count }, (_, step): Step => ({
            at: atOf(step),
            signals: given.flatMap(({ matches, again }, index) => {
              const first = seenIn[index] ?? 0;
              const row = rows[index];
              return row !== undefined && matches && step >= first && step <= first + again
                ? [{ ...row, policy }]
                : [];
            }),
          }));
          const fateOf = ({ notificationId }: { readonly notificationId: string }) =>
            fates[(timeOf(notificationId.split('-').at(-1) ?? '0') / 1000) % 7] ?? 'delivered';
          const made = await simulateStream(STREAM, steps, fateOf);
          for (const [index, row] of rows.entries()) {
            const { position, eventId } = row;
            const at = atOf(seenIn[index] ?? 0);
            const matches = given[index]?.matches === true;
            const facts = explainFacts({
              key: { position, eventId },
              issue: row,
              newest: null,
              now: atOf(count),
              entries: [
                seen({ at, position, eventId }),
                ...(matches ? [matched({ at, position, eventId })] : []),
                ...made.entries.filter((each) => each.position === position),
              ],
              runs: made.runs.filter(
                (run) =>
                  comparePositions(run.firstPosition, position) <= 0 &&
                  comparePositions(run.lastPosition, position) >= 0,
              ),
              routesThen: [
                routeVersion({ renotifyIntervalMs, ...(matches ? {} : { query: 'severity:none' }) }),
              ],
            });
            const [route] = explainAlert(facts).routes;
            const reasons = made.decisions.get(position) ?? [];
            if (!matches) {
              expect(route?.streams).toEqual([]);
              continue;
            }
            const [first] = reasons;
            const stream = route?.streams[0];
            const reason = stream?.decision?.reason;
            expect(stream?.summary).not.toBe('');
            if (first === 'older_than_last') {
              // If its run continued after it arrived, no record shows whether it belonged to the run.
              const isWithin = made.runs.some(
                (run) => run.reason === reason && run.reason !== 'older_than_last' && run.lastAt >= at - 1000,
              );
              expect(isWithin || reason === 'older_than_last').toBe(true);
              continue;
            }
            expect(reason).toBe(first);
            expect(stream?.repeats).toBe(reasons.length - 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
