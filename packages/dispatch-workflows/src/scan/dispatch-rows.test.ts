import { describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from '../ledger/ledger-entry.ts';
import { memoryBacklog } from '../testing/memory-backlog.ts';
import { storedIssue, storedRoute } from '../testing/stored-issue.ts';
import { beginAdmission } from './admit-streams.ts';
import { createRowDispatcher } from './dispatch-rows.ts';
import { createRecentStreams } from './recent-streams.ts';

/** Dispatches two rows of two streams, one signal after the other. */
async function dispatchTwo({
  recordsLast,
  onSignal = () => undefined,
  parkFails = false,
}: {
  readonly recordsLast: boolean;
  readonly onSignal?: (workflow: string, stop: AbortController) => void;
  readonly parkFails?: boolean;
}) {
  const log: string[] = [];
  const entries: LedgerEntry[] = [];
  const stop = new AbortController();
  const backlog = memoryBacklog(() => 0);
  const dispatch = createRowDispatcher(
    {
      issues: { findEvents: async () => new Map(), read: async () => null },
      routes: { listActive: async () => ({ revision: 1, routes: [storedRoute('r')] }) },
      backlog: { park: (items) => (parkFails ? Promise.reject(new Error('away')) : backlog.park(items)) },
      streams: { find: async () => ({ waiting: new Set(), open: [] }) },
      ledger: async (batch) => {
        log.push('record');
        entries.push(...batch.entries);
      },
      now: () => 1,
      running: { track: () => undefined },
      recent: createRecentStreams({ now: () => 1 }),
      signal: async ({ fingerprint }) => {
        log.push(fingerprint);
        onSignal(fingerprint, stop);
        return 'run';
      },
      signalRunning: async () => false,
    },
    { concurrency: 1 },
  );
  const admission = await beginAdmission(
    { estimate: async () => 0, estimateOf: async () => new Map() },
    5000,
  );
  const rows = [storedIssue(1, { fingerprint: 'f1' }), storedIssue(2, { fingerprint: 'f2' })];
  const { failed } = await dispatch(rows, { maxStreams: 500, admission, recordsLast, signal: stop.signal });
  return {
    log,
    failed: [...failed].map(({ eventId }) => eventId),
    recorded: entries.map(({ stage, eventId }) => `${stage} ${eventId}`),
  };
}

const ALL = ['seen e1', 'seen e2', 'matched e1', 'matched e2'];

describe('whoever finds rows by what the ledger lacks', () => {
  test('records them after their signals', async () => {
    const { log, recorded } = await dispatchTwo({ recordsLast: true });
    expect(log).toEqual(['f1', 'f2', 'record']);
    expect(recorded).toEqual(ALL);
  });

  test('records none that the end of the activity left out', async () => {
    const stopping = { recordsLast: true, onSignal: (_: string, stop: AbortController) => stop.abort() };
    const { log, failed, recorded } = await dispatchTwo(stopping);
    expect(log).toEqual(['f1', 'record']);
    expect(failed).toEqual(['e2']);
    expect(recorded).toEqual(['seen e1', 'matched e1']);
  });

  test('records none that could be neither signalled nor parked', async () => {
    const refuse = (fingerprint: string): void => {
      if (fingerprint === 'f1') throw new Error('refused');
    };
    const { failed, recorded } = await dispatchTwo({
      recordsLast: true,
      onSignal: refuse,
      parkFails: true,
    });
    expect(failed).toEqual(['e1']);
    expect(recorded).toEqual(['seen e2', 'matched e2']);
  });
});

test('a scan records all rows that it takes beside their signals: its cursor brings back those that failed', async () => {
  const refuse = (): void => {
    throw new Error('refused');
  };
  const { log, failed, recorded } = await dispatchTwo({
    recordsLast: false,
    onSignal: refuse,
    parkFails: true,
  });
  expect(log[0]).toBe('record');
  expect(failed).toEqual(['e1', 'e2']);
  expect(recorded).toEqual(ALL);
});
