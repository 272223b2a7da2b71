import { afterEach, describe, expect, test } from '@jest/globals';
import type { FaultScript } from './fault-script.ts';
import { startSlackSimulator, type SlackSimulator } from './slack-simulator.ts';

let slack: SlackSimulator | undefined;
afterEach(async () => {
  await slack?.close();
});

function post(
  url: string,
  body: unknown,
  headers = { 'content-type': 'application/json' },
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers,
    signal: AbortSignal.timeout(300),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function answerOf(faults: FaultScript, body: unknown): Promise<string> {
  slack = await startSlackSimulator({ faults });
  return post(slack.url, body).then(
    async (response) =>
      [response.status, response.headers.get('retry-after'), await response.text()].filter(Boolean).join(' '),
    (error: unknown) => (error instanceof DOMException ? 'no answer' : 'cut off'),
  );
}

const limited = '{"retry_after":1,"ok":false,"error":"rate_limited"}';

describe('a webhook records each message and answers', () => {
  test.each<[string, FaultScript, unknown, string, string]>([
    ['with ok', [], { text: 'x' }, '200 ok', 'accepted'],
    ['what is no JSON', [], 'x', '400 invalid_payload', 'refused:invalid_payload'],
    ['what says nothing', [], {}, '400 no_text', 'refused:no_text'],
    ['wrong blocks', [], { blocks: [{}] }, '400 invalid_blocks', 'refused:invalid_blocks'],
    [
      'with a limit',
      [{ fault: { kind: 'status', status: 429, retryAfterSeconds: 2, body: limited } }],
      { text: 'x' },
      `429 2 ${limited}`,
      'status',
    ],
    [
      'with an error word',
      [{ fault: { kind: 'status', status: 410, body: 'channel_is_archived' } }],
      { text: 'x' },
      '410 channel_is_archived',
      'status',
    ],
    [
      'with a refusal in a 200',
      [{ fault: { kind: 'status', status: 200, body: '{"ok":false,"error":"fatal_error"}' } }],
      { text: 'x' },
      '200 {"ok":false,"error":"fatal_error"}',
      'status',
    ],
    ['with a server error', [{ fault: { kind: 'status', status: 503 } }], { text: 'x' }, '503', 'status'],
    ['never', [{ fault: { kind: 'hang' } }], { text: 'x' }, 'no answer', 'hang'],
    ['by closing', [{ fault: { kind: 'close-after-body' } }], { text: 'x' }, 'cut off', 'close-after-body'],
    ['late', [{ fault: { kind: 'slow', delayMs: 20 } }], { text: 'x' }, '200 ok', 'slow'],
  ])('%s', async (_, faults, body, answer, recorded) => {
    await expect(answerOf(faults, body)).resolves.toBe(answer);
    expect(slack?.records.map((record) => [record.order, record.answer])).toEqual([[1, recorded]]);
    expect(slack?.records[0]?.rawBody).toBe(typeof body === 'string' ? body : JSON.stringify(body));
  });

  test('what is posted as something other than JSON with invalid_payload', async () => {
    slack = await startSlackSimulator();
    const response = await post(slack.url, { text: 'x' }, { 'content-type': 'text/plain' });
    expect([response.status, await response.text()]).toEqual([400, 'invalid_payload']);
  });
});

test.each<[string, string]>([
  ['Firing: disk', 'alert.triggered'],
  ['Still firing: disk', 'alert.updated'],
  ['Resolved: disk', 'alert.resolved'],
  ['Firing: disk is Resolved', 'alert.triggered'],
])('a rule is for a type of notification: %s is %s', async (text, type) => {
  const body = { text };
  const other = ['alert.triggered', 'alert.updated', 'alert.resolved'].filter((each) => each !== type);
  const fault = { kind: 'status', status: 500 } as const;
  slack = await startSlackSimulator({ faults: other.map((each) => ({ type: each, fault })) });
  expect((await post(slack.url, body)).status).toBe(200);
  slack.setFaults([{ type, fault, streamContains: 'disk', times: 1 }]);
  expect((await post(slack.url, body)).status).toBe(500);
  expect((await post(slack.url, body)).status).toBe(200);
  expect(slack.records.map(({ answer, payload }) => [answer, payload?.text])).toEqual([
    ['accepted', text],
    ['status', text],
    ['accepted', text],
  ]);
  slack.clear();
  expect(slack.records).toEqual([]);
});

test.each<[string, number, string]>([
  ['/services/T1/B00000000/simulated-webhook', 404, 'no_team'],
  ['/services/T00000000/B1/simulated-webhook', 404, 'no_service'],
  ['/services/T00000000/B00000000/other', 403, 'invalid_token'],
  ['/services/T00000000/B00000000/simulated-webhook/more', 403, 'invalid_token'],
  ['/T00000000/B00000000/simulated-webhook', 404, 'no_team'],
  ['/', 404, 'no_team'],
])('a post to %s is %d %s and not recorded', async (path, status, word) => {
  slack = await startSlackSimulator();
  const response = await post(new URL(path, slack.url).href, { text: 'x' });
  expect([response.status, await response.text()]).toEqual([status, word]);
  expect((await fetch(slack.url)).status).toBe(405);
  expect(slack.records).toEqual([]);
});
