import { expect, test } from '@jest/globals';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import { memoryBacklog } from '../testing/memory-backlog.ts';
import { beginAdmission } from './admit-streams.ts';
import { sendOrPark } from './send-or-park.ts';

const stream = { fingerprint: 'f1', routeId: 'r', connectedAppId: 'a' };
const signal = { eventId: 'e', position: '5', status: 'resolved', storedAt: 5, owed: true } as const;

/** Sends the signal while so many of ten streams run; what was called, and what waits afterwards. */
async function send({
  running,
  doesRun = false,
  waits = false,
  fails = false,
}: {
  readonly running: number;
  readonly doesRun?: boolean;
  readonly waits?: boolean;
  readonly fails?: boolean;
}) {
  const calls: string[] = [];
  const backlog = memoryBacklog(() => 0);
  const id = alertWorkflowId(stream);
  const attempt = async <T>(call: string, answer: T): Promise<T> => {
    calls.push(call);
    if (fails) throw new Error('away');
    return answer;
  };
  const admission = await beginAdmission(
    { estimate: async () => running, estimateOf: async () => new Map([['a', 0]]) },
    10,
  );
  const isSent = await sendOrPark(
    {
      running: { track: () => undefined },
      recent: { add: () => undefined },
      signal: () => attempt('start', 'run'),
      signalRunning: () => attempt('signal', doesRun),
      backlog,
      streams: { find: async () => ({ waiting: new Set(waits ? [id] : []), open: [] }) },
    },
    admission,
    { stream, signal },
  );
  return { isSent, calls, parked: [...backlog.entries.values()].map((entry) => entry.signal) };
}

test.each([
  ['starts what may start', { running: 9 }, ['start'], []],
  ['signals what runs, at the ceiling too', { running: 10, doesRun: true }, ['signal'], []],
  ['parks what may not start', { running: 10 }, ['signal'], [signal]],
  ['parks what waits already: nothing overtakes within a stream', { running: 0, waits: true }, [], [signal]],
])('a signal of the sweep %s', async (_, given, calls, parked) => {
  await expect(send(given)).resolves.toEqual({ isSent: parked.length === 0, calls, parked });
});

test('a signal of the sweep that fails is left to the next sweep', async () => {
  await expect(send({ running: 0, fails: true })).rejects.toThrow('away');
});
