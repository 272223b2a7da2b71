import { inspect } from 'node:util';
import type { ServerResponse } from 'node:http';
import {
  findUnusedPort,
  startLoopbackServer,
  type LoopbackRequest,
  type LoopbackServer,
} from '@heliograph/simulators';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../contract.ts';
import { createNotification } from '../testing/notification.ts';
import type { DeliveryRequest } from './channel.ts';
import { renderSlackMessage, type SlackWebhookSettings } from './slack-message.ts';
import { createSlackWebhookChannel, type SlackWebhookChannelOptions } from './slack-webhook-channel.ts';

type SlackRequest = DeliveryRequest<SlackWebhookSettings>;
const PATH = '/services/T00000001/B00000001/tops3cret';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startProvider(
  answer: (response: ServerResponse, request: LoopbackRequest) => void,
): Promise<LoopbackServer> {
  const started = await startLoopbackServer(answer);
  closers.push(() => started.close());
  return started;
}

function createChannel(options: SlackWebhookChannelOptions = { allowPrivateAddresses: true }) {
  const created = createSlackWebhookChannel(options);
  closers.push(() => created.close());
  return created;
}

function createRequest(port: number, parts: Partial<SlackRequest> = {}): SlackRequest {
  const secret = `http://127.0.0.1:${port}${PATH}`;
  return { notification: createNotification(), settings: {}, secret, timeoutMs: 5000, ...parts };
}

/** Makes one attempt and returns its outcome, which must not reveal the URL. */
async function deliverTo(
  answer: (response: ServerResponse, request: LoopbackRequest) => void,
  parts: Partial<SlackRequest> = {},
): Promise<Outcome> {
  const { port } = await startProvider(answer);
  const now = () => Date.UTC(2026, 0, 1, 12);
  const outcome = await createChannel({ allowPrivateAddresses: true, now }).deliver(
    createRequest(port, parts),
  );
  expect(inspect(outcome)).not.toMatch(/s3cret|services|127\.0\.0\.1/);
  return outcome;
}
const deliverToReply = (status: number, body: string, headers: Record<string, string> = {}) =>
  deliverTo((response) => response.writeHead(status, headers).end(body));

describe('a response of Slack', () => {
  test.each<[number, string]>([
    [200, 'ok'],
    [200, 'ok\n'],
    [200, '{"ok":true}'],
    [202, 'ok'],
  ])('%d %j: delivered, without an external id', async (status, body) => {
    await expect(deliverToReply(status, body)).resolves.toEqual({
      kind: 'delivered',
      externalId: null,
      status,
    });
  });

  test.each<[number, string, string]>([
    [400, 'invalid_payload', 'PAYLOAD_REFUSED'],
    [400, 'no_text', 'PAYLOAD_REFUSED'],
    [400, 'invalid_blocks', 'PAYLOAD_REFUSED'],
    [400, 'msg_blocks_too_long', 'PAYLOAD_REFUSED'],
    [500, 'no_text', 'PAYLOAD_REFUSED'],
    [400, 'user_not_found', 'GONE'],
    [404, 'channel_not_found', 'GONE'],
    [404, 'no_service', 'GONE'],
    [404, 'no_team', 'GONE'],
    [410, 'channel_is_archived', 'GONE'],
    [403, 'action_prohibited', 'UNAUTHORIZED'],
    [403, 'invalid_token\n', 'UNAUTHORIZED'],
  ])('%d %s: rejected permanently as %s, with the provider code', async (status, word, code) => {
    await expect(deliverToReply(status, word)).resolves.toEqual({
      kind: 'rejected',
      retryable: false,
      code,
      status,
      providerCode: word.trim(),
    });
  });

  test.each<[number, string, object]>([
    [500, 'rollup_error', { code: 'PROVIDER_ERROR', retryable: true, providerCode: 'rollup_error' }],
    [500, 'a page that asks for your password', { code: 'HTTP_STATUS', retryable: true }],
    [502, '', { code: 'HTTP_STATUS', retryable: true }],
    [503, 'fine words', { code: 'HTTP_STATUS', retryable: true }],
    [408, '', { code: 'HTTP_STATUS', retryable: true }],
    [425, '', { code: 'HTTP_STATUS', retryable: true }],
    [302, 'ok', { code: 'REDIRECT_REFUSED', retryable: false }],
    [400, 'some_new_word', { code: 'HTTP_STATUS', retryable: false }],
    [403, '', { code: 'UNAUTHORIZED', retryable: false }],
    [404, '<html>', { code: 'HTTP_STATUS', retryable: false }],
    [410, '', { code: 'GONE', retryable: false }],
  ])('%d %j: rejected, and an unknown text is not passed on', async (status, body, expected) => {
    await expect(deliverToReply(status, body)).resolves.toEqual({ kind: 'rejected', status, ...expected });
  });

  test.each<[string, object]>([
    ['invalid_auth', { code: 'UNAUTHORIZED', retryable: false, providerCode: 'invalid_auth' }],
    ['is_archived', { code: 'GONE', retryable: false, providerCode: 'is_archived' }],
    ['msg_too_long', { code: 'PAYLOAD_REFUSED', retryable: false, providerCode: 'msg_too_long' }],
    ['internal_error', { code: 'PROVIDER_ERROR', retryable: true, providerCode: 'internal_error' }],
    ['service_unavailable', { code: 'PROVIDER_ERROR', retryable: true, providerCode: 'service_unavailable' }],
    ['request_timeout', { code: 'PROVIDER_ERROR', retryable: true, providerCode: 'request_timeout' }],
    ['some_new_word', { code: 'PROVIDER_ERROR', retryable: false }],
    ['constructor', { code: 'PROVIDER_ERROR', retryable: false }],
  ])('200 with ok:false and %s: rejected', async (error, expected) => {
    const body = JSON.stringify({ ok: false, error });
    await expect(deliverToReply(200, body)).resolves.toEqual({ kind: 'rejected', status: 200, ...expected });
  });

  test.each([200, 500])(
    '%d with fatal_error: uncertain, because part of the request may have succeeded',
    async (status) => {
      await expect(deliverToReply(status, '{"ok":false,"error":"fatal_error"}')).resolves.toEqual({
        kind: 'uncertain',
        code: 'PARTIAL_FAILURE',
      });
    },
  );

  test.each([
    '<html>Sign in to the network</html>',
    '',
    'OK',
    'null',
    '[]',
    '"ok"',
    '{"ok":"false"}',
    'ok'.repeat(40_000),
  ])('200 with a body that Slack never sends: uncertain (%#)', async (body) => {
    await expect(deliverToReply(200, body)).resolves.toEqual({
      kind: 'uncertain',
      code: 'UNEXPECTED_ANSWER',
    });
  });

  test.each<[number, string, Record<string, string>, number]>([
    [429, '', { 'retry-after': '7' }, 7000],
    [429, '{"retry_after":2,"ok":false,"error":"rate_limited"}', { 'retry-after': '7' }, 7000],
    [429, '', { 'retry-after': 'Thu, 01 Jan 2026 12:00:30 GMT' }, 30_000],
    [429, '{"retry_after":2,"ok":false,"error":"rate_limited"}', {}, 2000],
    [429, '{"retry_after":"2"}', { 'retry-after': 'soon' }, 2000],
    [429, '{"retry_after":null}', {}, 1000],
    [429, 'invalid_payload', {}, 1000],
    [429, '', {}, 1000],
    [200, '{"ok":false,"error":"ratelimited"}', { 'retry-after': '3' }, 3000],
    [200, '{"ok":false,"error":"rate_limited","retry_after":4}', {}, 4000],
    [200, '{"ok":false,"error":"message_limit_exceeded"}', {}, 1000],
    [503, '', { 'retry-after': '7' }, 7000],
  ])('%d %j with %j: a rate limit of %d ms', async (status, body, headers, retryAfterMs) => {
    await expect(deliverToReply(status, body, headers)).resolves.toEqual({
      kind: 'rate-limited',
      retryAfterMs,
      status,
    });
  });
});

describe('an attempt without a complete response', () => {
  test('because the connection is refused: retryable, nothing was sent', async () => {
    await expect(createChannel().deliver(createRequest(await findUnusedPort()))).resolves.toEqual({
      kind: 'rejected',
      retryable: true,
      code: 'CONNECT_FAILED',
      status: null,
    });
  });

  test.each<[string, (response: ServerResponse, request: LoopbackRequest) => void, string]>([
    ['closes the connection after reading the request', ({ socket }) => socket?.destroy(), 'CONNECTION_LOST'],
    ['hangs', () => undefined, 'TIMEOUT'],
    [
      'closes the connection in the middle of the body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('o', () => response.socket?.destroy());
      },
      'CONNECTION_LOST',
    ],
    ['hangs in the middle of the body', (response) => void response.writeHead(200).write('o'), 'TIMEOUT'],
  ])('because Slack %s: uncertain', async (_, answer, code) => {
    await expect(deliverTo(answer, { timeoutMs: 300 })).resolves.toEqual({ kind: 'uncertain', code });
  });

  test('because it is aborted: uncertain', async () => {
    const abort = new AbortController();
    await expect(deliverTo(() => abort.abort(), { signal: abort.signal })).resolves.toEqual({
      kind: 'uncertain',
      code: 'ABORTED',
    });
  });
});

describe('the request', () => {
  test('is the rendered message as JSON, the same bytes for each attempt; a redirect is not followed', async () => {
    const elsewhere = await startProvider((response) => response.end('ok'));
    const { port, requests } = await startProvider((response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    const slack = createChannel();
    const settings: SlackWebhookSettings = { labels: ['pod'] };
    for (let attempts = 0; attempts < 3; attempts++) await slack.deliver(createRequest(port, { settings }));
    expect(requests.map(({ method, path, headers }) => [method, path, headers['content-type']])).toEqual(
      Array.from({ length: 3 }, () => ['POST', PATH, 'application/json']),
    );
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual(renderSlackMessage(createNotification(), settings));
    expect(elsewhere.requests).toEqual([]);
  });
});

describe('a secret', () => {
  const strict = createSlackWebhookChannel({ allowedHosts: ['Slack.Example.com', 'slack.example.com:8443'] });
  const local = createSlackWebhookChannel({ allowPrivateAddresses: true });
  afterAll(() => Promise.all([strict.close(), local.close()]));

  test.each([
    `https://hooks.slack.com${PATH}`,
    `https://hooks.slack-gov.com${PATH}`,
    `https://HOOKS.slack.com:443${PATH}`,
    ` https://hooks.slack.com${PATH}\n`,
    `https://slack.example.com${PATH}`,
    `https://slack.example.com:8443${PATH}`,
  ])('may be %j', (secret) => {
    expect(strict.checkSecret(secret)).toBeNull();
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:1', 'https://localhost'])(
    'may be on %s only if private addresses are allowed',
    async (origin) => {
      expect(local.checkSecret(`${origin}${PATH}`)).toBeNull();
      expect(strict.checkSecret(`${origin}${PATH}`)).not.toBeNull();
    },
  );

  test.each([
    '',
    'tops3cret',
    `http://hooks.slack.com${PATH}`,
    `https://hooks.slack.com.example.com${PATH}`,
    `https://example.com${PATH}`,
    `https://hooks.slack.com:8443${PATH}`,
    `https://hooks.slack.com@example.com${PATH}`,
    `https://me:tops3cret@hooks.slack.com${PATH}`,
    `https://hooks.slack.com\\@example.com${PATH}`,
    `https://hooks.slack.com${PATH}?to=tops3cret`,
    `https://hooks.slack.com${PATH}#tops3cret`,
    `https://hooks.slack.com${PATH}/more`,
    `https://hooks.slack.com/workflows/T1/B1/tops3cret`,
    `https://hooks.slack.com/services/T1/tops3cret`,
    `https://hooks.slack.com/services/T1/../B1/../tops3cret`,
    `https://hooks.slack.com/services/T1/B1/tops3cret\nx`,
    `https://hooks.slack.com/services/T1/B1/tops3cret${'x'.repeat(500)}`,
    `ftp://127.0.0.1${PATH}`,
    `http://10.0.0.1${PATH}`,
    `http://169.254.169.254${PATH}`,
  ])('must not be %j and is never quoted', async (secret) => {
    for (const refusing of [strict, local]) {
      expect(refusing.checkSecret(secret)).toBe(
        'the secret of a Slack webhook must be its URL: https://hooks.slack.com/services/T…/B…/…',
      );
      expect(refusing.checkSecret(secret)).not.toContain('s3cret');
    }
  });

  test('that is no longer valid is an outcome, and nothing is sent', async () => {
    const { port, requests } = await startProvider((response) => response.end('ok'));
    await expect(createChannel({}).deliver(createRequest(port))).resolves.toEqual({
      kind: 'rejected',
      retryable: false,
      code: 'SETTINGS_INVALID',
      status: null,
    });
    expect(requests).toEqual([]);
  });

  test('on an allowed host that resolves to loopback is not connected to', async () => {
    const { port, requests } = await startProvider((response) => response.end('ok'));
    const open = createChannel({ allowedHosts: [`localhost:${port}`] });
    await expect(
      open.deliver(createRequest(port, { secret: `https://localhost:${port}${PATH}` })),
    ).resolves.toEqual({ kind: 'rejected', retryable: false, code: 'ADDRESS_NOT_ALLOWED', status: null });
    expect(requests).toEqual([]);
  });
});

test('there is no lookUp, because Slack has no way to tell what arrived', () => {
  expect('lookUp' in createChannel()).toBe(false);
});
