import { afterEach, describe, expect, test } from '@jest/globals';
import { createAlertStorm } from './alert-storm.ts';
import { createFaultPlayer, type FaultScript } from './fault-script.ts';
import { startNotificationSink, type NotificationSink } from './notification-sink.ts';

let sink: NotificationSink | undefined;
afterEach(async () => {
  await sink?.close();
});

function post(url: string, index: number, type = 'alert.triggered'): Promise<Response> {
  const [subject] = createAlertStorm({ seed: 7, subjects: 1 });
  return fetch(url, {
    method: 'POST',
    headers: { 'webhook-id': `id-${index}` },
    signal: AbortSignal.timeout(300),
    body: JSON.stringify({
      type,
      notificationId: `id-${index}`,
      streamId: `alert-${index}`,
      sequence: 0,
      issue: subject?.issue('firing', 0),
    }),
  });
}

async function answerOf(faults: FaultScript): Promise<string> {
  sink = await startNotificationSink({ faults });
  return post(sink.url, 1).then(
    (response) => `${response.status} ${response.headers.get('retry-after') ?? ''}`.trim(),
    (error: unknown) => (error instanceof DOMException ? 'no answer' : 'cut off'),
  );
}

describe('a sink records each request and answers by its script', () => {
  test.each<[string, FaultScript, string]>([
    ['without rules it accepts', [], '200'],
    ['a limit', [{ fault: { kind: 'status', status: 429, retryAfterSeconds: 2 } }], '429 2'],
    ['a server error', [{ fault: { kind: 'status', status: 503 } }], '503'],
    ['a hang', [{ fault: { kind: 'hang' } }], 'no answer'],
    ['a cut connection', [{ fault: { kind: 'close-after-body' } }], 'cut off'],
    ['slow but well', [{ fault: { kind: 'slow', delayMs: 20 } }], '200'],
    ['a rule for another stream', [{ streamContains: 'other', fault: { kind: 'hang' } }], '200'],
  ])('%s', async (_, faults, expected) => {
    await expect(answerOf(faults)).resolves.toBe(expected);
    expect(sink?.records).toHaveLength(1);
  });

  test('a rule that applies a number of times lets the next request through, in recorded order', async () => {
    sink = await startNotificationSink({ faults: [{ times: 2, fault: { kind: 'status', status: 500 } }] });
    const statuses: number[] = [];
    for (const index of [1, 2, 3]) statuses.push((await post(sink.url, index)).status);
    expect(statuses).toEqual([500, 500, 200]);
    expect(sink.records.map(({ order, webhookId, answer }) => [order, webhookId, answer])).toEqual([
      [1, 'id-1', 'status'],
      [2, 'id-2', 'status'],
      [3, 'id-3', 'accepted'],
    ]);
  });

  test('what is no notification is refused and not recorded', async () => {
    sink = await startNotificationSink();
    const response = await fetch(sink.url, { method: 'POST', body: 'x' });
    expect(response.status).toBe(400);
    expect(sink.records).toEqual([]);
  });
});

test('a rule may apply a number of times to each stream', () => {
  const play = createFaultPlayer([{ timesPerStream: 1, fault: { kind: 'hang' } }], () => 0);
  const answers = ['a', 'b', 'a', 'b'].map((streamId) => play({ streamId, type: 'x' })?.kind ?? 'ok');
  expect(answers).toEqual(['hang', 'hang', 'ok', 'ok']);
});

test('a storm is the same for the same seed, and its subjects differ', () => {
  const issues = (seed: number) =>
    createAlertStorm({ seed, subjects: 50 }).map((subject) => subject.issue('firing', 0));
  expect(issues(3)).toEqual(issues(3));
  expect(issues(3)).not.toEqual(issues(4));
  expect(new Set(issues(3).map(({ fingerprint }) => fingerprint)).size).toBe(50);
});
