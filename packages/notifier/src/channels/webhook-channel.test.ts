import type { ServerResponse } from 'node:http';
import {
  findUnusedPort,
  startLoopbackServer,
  startTcpServer,
  type LoopbackRequest,
  type LoopbackServer,
} from '@heliograph/simulators';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Outcome } from '../contract.ts';
import { notification } from '../testing/notification.ts';
import type { DeliveryRequest } from './channel.ts';
import { createWebhookChannel, type WebhookChannelOptions } from './webhook-channel.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
type Settings = DeliveryRequest<{ url: string; format: 'heliograph/v1' | 'alertmanager/v4' }>;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function provider(
  answer: (response: ServerResponse, request: LoopbackRequest) => void,
): Promise<LoopbackServer> {
  const started = await startLoopbackServer(answer);
  closers.push(() => started.close());
  return started;
}

function channel(options: WebhookChannelOptions = { allowPrivateAddresses: true }) {
  const made = createWebhookChannel(options);
  closers.push(() => made.close());
  return made;
}

function request(url: string, parts: Partial<Settings> = {}): Settings {
  return {
    notification: notification(),
    settings: { url, format: 'heliograph/v1' },
    secret: SECRET,
    timeoutMs: 5000,
    ...parts,
  };
}

/** What becomes of one attempt with a provider that answers so. */
async function outcomeOf(
  answer: (response: ServerResponse, request: LoopbackRequest) => void,
  parts: Partial<Settings> = {},
  options: WebhookChannelOptions = {},
): Promise<Outcome> {
  const { url } = await provider(answer);
  return channel({ allowPrivateAddresses: true, ...options }).deliver(request(url, parts));
}
const rejected = (status: number, retryable: boolean, code = 'HTTP_STATUS') => ({
  kind: 'rejected',
  retryable,
  code,
  status,
});

describe('a provider that answers', () => {
  test.each<[number, string, string | null]>([
    [200, '{"externalId":"INC-7"}', 'INC-7'],
    [201, '{"externalId":"INC-7","more":1}', 'INC-7'],
    [202, '', null],
    [204, '', null],
    [200, 'ok', null],
    [200, '{"externalId":7}', null],
    [200, '{"externalId":""}', null],
    [200, JSON.stringify({ externalId: 'x'.repeat(257) }), null],
    [200, '["externalId"]', null],
    [200, 'null', null],
  ])('%d %j has it delivered, with external id %j', async (status, body, externalId) => {
    await expect(outcomeOf((response) => response.writeHead(status).end(body))).resolves.toEqual({
      kind: 'delivered',
      externalId,
      status,
    });
  });

  test.each<[number, object]>([
    [301, rejected(301, false, 'REDIRECT_REFUSED')],
    [302, rejected(302, false, 'REDIRECT_REFUSED')],
    [307, rejected(307, false, 'REDIRECT_REFUSED')],
    [400, rejected(400, false)],
    [401, rejected(401, false, 'UNAUTHORIZED')],
    [403, rejected(403, false, 'UNAUTHORIZED')],
    [404, rejected(404, false)],
    [408, rejected(408, true)],
    [410, rejected(410, false, 'GONE')],
    [413, rejected(413, false)],
    [422, rejected(422, false)],
    [425, rejected(425, true)],
    [500, rejected(500, true)],
    [502, rejected(502, true)],
    [503, rejected(503, true)],
    [504, rejected(504, true)],
  ])('%d', async (status, outcome) => {
    await expect(
      outcomeOf((response) => response.writeHead(status).end('{"externalId":"x"}')),
    ).resolves.toEqual(outcome);
  });

  test.each<[number, string | undefined, number]>([
    [429, undefined, 1000],
    [429, '7', 7000],
    [429, '0', 0],
    [429, 'soon', 1000],
    [429, 'Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    [429, 'Thu, 01 Jan 2026 11:00:00 GMT', 0],
    [503, '7', 7000],
  ])('%d with Retry-After %j is a rate limit of %d ms', async (status, header, retryAfterMs) => {
    const outcome = await outcomeOf(
      (response) => response.writeHead(status, header === undefined ? {} : { 'retry-after': header }).end(),
      {},
      { now: () => Date.UTC(2026, 0, 1, 12) },
    );
    expect(outcome).toEqual({ kind: 'rate-limited', retryAfterMs, status });
  });

  test.each<[number, object]>([
    [429, { kind: 'rate-limited', retryAfterMs: 30_000, status: 429 }],
    [503, rejected(503, true)],
    [200, { kind: 'delivered', externalId: null, status: 200 }],
  ])('%d with the reset of a limit that many send with every answer', async (status, outcome) => {
    const now = Date.UTC(2026, 0, 1, 12);
    const headers = { 'x-ratelimit-reset': String(now / 1000 + 30) };
    await expect(
      outcomeOf((response) => response.writeHead(status, headers).end(), {}, { now: () => now }),
    ).resolves.toEqual(outcome);
  });

  test('with a redirect is not followed', async () => {
    const target = await provider((response) => response.end());
    await outcomeOf((response) => response.writeHead(302, { location: target.url }).end());
    expect(target.requests).toEqual([]);
  });

  test('and breaks off in the body after a 2xx has it delivered all the same', async () => {
    await expect(
      outcomeOf((response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"exter', () => response.socket?.destroy());
      }),
    ).resolves.toEqual({ kind: 'delivered', externalId: null, status: 200 });
  });

  test('without end is read no further than it has to be', async () => {
    let written = 0;
    const outcome = await outcomeOf((response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(16_384, 'x');
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    expect(outcome).toEqual({ kind: 'delivered', externalId: null, status: 200 });
    expect(written).toBeLessThan(50_000_000);
  });

  test('and then dribbles for ever holds nobody longer than the timeout', async () => {
    const timers: NodeJS.Timeout[] = [];
    closers.push(async () => timers.forEach((timer) => clearInterval(timer)));
    const outcome = await outcomeOf(
      (response) => {
        response.writeHead(200);
        timers.push(setInterval(() => response.write(' '), 20));
      },
      { timeoutMs: 300 },
    );
    expect(outcome).toEqual({ kind: 'delivered', externalId: null, status: 200 });
  });
});

describe('a provider that does not answer', () => {
  test('because nobody listens can be tried again: nothing was sent', async () => {
    const port = await findUnusedPort();
    await expect(channel().deliver(request(`http://127.0.0.1:${port}/`))).resolves.toEqual({
      kind: 'rejected',
      retryable: true,
      code: 'CONNECT_FAILED',
      status: null,
    });
  });

  test.each([{ allowPrivateAddresses: true }, {}])(
    'because its name does not exist can be tried again (%j)',
    async (options) => {
      await expect(channel(options).deliver(request('http://no-such-name.invalid/'))).resolves.toMatchObject({
        kind: 'rejected',
        retryable: true,
        code: 'CONNECT_FAILED',
      });
    },
  );

  test('but hangs is uncertain after the timeout', async () => {
    await expect(outcomeOf(() => undefined, { timeoutMs: 200 })).resolves.toEqual({
      kind: 'uncertain',
      code: 'TIMEOUT',
    });
  });

  test('but closes after it read the body is uncertain', async () => {
    await expect(outcomeOf(({ socket }) => socket?.destroy())).resolves.toEqual({
      kind: 'uncertain',
      code: 'CONNECTION_LOST',
    });
  });

  test('but speaks something other than HTTP is uncertain', async () => {
    const server = await startTcpServer((socket) => {
      socket.end('SSH-2.0-nonsense\r\n\r\n', () => socket.destroy());
    });
    closers.push(() => server.close());
    await expect(channel().deliver(request(`http://127.0.0.1:${server.port}/`))).resolves.toEqual({
      kind: 'uncertain',
      code: 'CONNECTION_LOST',
    });
  });

  test.each<[string, unknown]>([
    ['without a reason', undefined],
    ['with a reason of its own', new Error('the worker stops')],
    ['with a reason that is no error', 'stop'],
  ])('until the attempt is aborted %s is uncertain', async (_, reason) => {
    const abort = new AbortController();
    await expect(outcomeOf(() => abort.abort(reason), { signal: abort.signal })).resolves.toEqual({
      kind: 'uncertain',
      code: 'ABORTED',
    });
  });

  test('an attempt that is aborted before it begins sends nothing', async () => {
    const { url, requests } = await provider((response) => response.end());
    await expect(channel().deliver(request(url, { signal: AbortSignal.abort() }))).resolves.toEqual({
      kind: 'uncertain',
      code: 'ABORTED',
    });
    expect(requests).toEqual([]);
  });
});

describe('what is sent', () => {
  test('is a signed POST that the reference library accepts, under a stable id', async () => {
    const { url, requests } = await provider((response) => response.end());
    await channel().deliver(request(`${url}/hook?team=a`));
    const [sent] = requests;
    expect(sent).toMatchObject({
      method: 'POST',
      path: '/hook?team=a',
      headers: {
        'content-type': 'application/json',
        'webhook-id': notification().id,
        'idempotency-key': notification().id,
      },
    });
    expect(() =>
      new Webhook(SECRET).verify(sent?.body ?? '', sent?.headers as Record<string, string>),
    ).not.toThrow();
    expect(JSON.stringify(sent)).not.toContain(SECRET.slice('whsec_'.length));
  });

  test('is signed with each secret while one replaces another', async () => {
    const next = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    const { url, requests } = await provider((response) => response.end());
    await channel().deliver(request(url, { secret: `${SECRET} ${next}` }));
    const headers = requests[0]?.headers as Record<string, string>;
    for (const secret of [SECRET, next])
      expect(() => new Webhook(secret).verify(requests[0]?.body ?? '', headers)).not.toThrow();
  });

  test.each(['heliograph/v1', 'alertmanager/v4'] as const)(
    'as %s is the same body with each attempt, signed anew',
    async (format) => {
      let seconds = 1_800_000_000;
      const { url, requests } = await provider((response) => response.writeHead(500).end());
      const tried = channel({ allowPrivateAddresses: true, now: () => seconds++ * 1000 });
      for (let attempt = 0; attempt < 3; attempt++)
        await tried.deliver(request(url, { settings: { url, format } }));
      expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
      expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(new Set(requests.map(({ headers }) => headers['webhook-signature'])).size).toBe(3);
    },
  );
});

describe('an address that is not public', () => {
  const refused = { kind: 'rejected', retryable: false, code: 'ADDRESS_NOT_ALLOWED', status: null };

  test.each([
    (port: number) => `http://127.0.0.1:${port}/`,
    (port: number) => `http://localhost:${port}/`,
    (port: number) => `http://[::1]:${port}/`,
    (port: number) => `http://[::ffff:127.0.0.1]:${port}/`,
    (port: number) => `http://0x7f000001:${port}/`,
    (port: number) => `http://2130706433:${port}/`,
    (port: number) => `http://127.1:${port}/`,
    (port: number) => `http://0:${port}/`,
    (port: number) => `http://169.254.169.254:${port}/`,
    (port: number) => `http://10.0.0.1:${port}/`,
  ])('is not connected to: %s', async (urlOf) => {
    const { port, requests } = await provider((response) => response.end());
    await expect(channel({}).deliver(request(urlOf(port)))).resolves.toEqual(refused);
    expect(requests).toEqual([]);
  });

  test.each(['127.0.0.1', 'localhost'])('is connected to where it is allowed: %s', async (host) => {
    const { port } = await provider((response) => response.end());
    await expect(channel().deliver(request(`http://${host}:${port}/`))).resolves.toMatchObject({
      kind: 'delivered',
    });
  });
});

test('a secret that no longer fits is an outcome, and nothing is sent', async () => {
  const { url, requests } = await provider((response) => response.end());
  await expect(channel().deliver(request(url, { secret: 'broken' }))).resolves.toEqual({
    kind: 'rejected',
    retryable: false,
    code: 'SETTINGS_INVALID',
    status: null,
  });
  expect(requests).toEqual([]);
});
