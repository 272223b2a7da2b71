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
import { createNotification } from '../testing/notification.ts';
import type { DeliveryRequest } from './channel.ts';
import { createWebhookChannel, type WebhookChannelOptions } from './webhook-channel.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
type Settings = DeliveryRequest<{ url: string; format: 'heliograph/v1' | 'alertmanager/v4' }>;

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

function createChannel(options: WebhookChannelOptions = { allowPrivateAddresses: true }) {
  const created = createWebhookChannel(options);
  closers.push(() => created.close());
  return created;
}

function createRequest(url: string, parts: Partial<Settings> = {}): Settings {
  return {
    notification: createNotification(),
    settings: { url, format: 'heliograph/v1' },
    secret: SECRET,
    timeoutMs: 5000,
    ...parts,
  };
}

/** Makes one attempt and returns its outcome. */
async function deliverTo(
  answer: (response: ServerResponse, request: LoopbackRequest) => void,
  parts: Partial<Settings> = {},
  options: WebhookChannelOptions = {},
): Promise<Outcome> {
  const { url } = await startProvider(answer);
  return createChannel({ allowPrivateAddresses: true, ...options }).deliver(createRequest(url, parts));
}
const createRejection = (status: number, retryable: boolean, code = 'HTTP_STATUS') => ({
  kind: 'rejected',
  retryable,
  code,
  status,
});

describe('a response', () => {
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
  ])('%d %j is delivered, with external id %j', async (status, body, externalId) => {
    await expect(deliverTo((response) => response.writeHead(status).end(body))).resolves.toEqual({
      kind: 'delivered',
      externalId,
      status,
    });
  });

  test.each<[number, object]>([
    [301, createRejection(301, false, 'REDIRECT_REFUSED')],
    [302, createRejection(302, false, 'REDIRECT_REFUSED')],
    [307, createRejection(307, false, 'REDIRECT_REFUSED')],
    [400, createRejection(400, false)],
    [401, createRejection(401, false, 'UNAUTHORIZED')],
    [403, createRejection(403, false, 'UNAUTHORIZED')],
    [404, createRejection(404, false)],
    [408, createRejection(408, true)],
    [410, createRejection(410, false, 'GONE')],
    [413, createRejection(413, false)],
    [422, createRejection(422, false)],
    [425, createRejection(425, true)],
    [500, createRejection(500, true)],
    [502, createRejection(502, true)],
    [503, createRejection(503, true)],
    [504, createRejection(504, true)],
  ])('%d', async (status, outcome) => {
    await expect(
      deliverTo((response) => response.writeHead(status).end('{"externalId":"x"}')),
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
    const outcome = await deliverTo(
      (response) => response.writeHead(status, header === undefined ? {} : { 'retry-after': header }).end(),
      {},
      { now: () => Date.UTC(2026, 0, 1, 12) },
    );
    expect(outcome).toEqual({ kind: 'rate-limited', retryAfterMs, status });
  });

  test.each<[number, object]>([
    [429, { kind: 'rate-limited', retryAfterMs: 30_000, status: 429 }],
    [503, createRejection(503, true)],
    [200, { kind: 'delivered', externalId: null, status: 200 }],
  ])('%d with X-RateLimit-Reset, which many providers always send', async (status, outcome) => {
    const now = Date.UTC(2026, 0, 1, 12);
    const headers = { 'x-ratelimit-reset': String(now / 1000 + 30) };
    await expect(
      deliverTo((response) => response.writeHead(status, headers).end(), {}, { now: () => now }),
    ).resolves.toEqual(outcome);
  });

  test('that redirects is not followed', async () => {
    const target = await startProvider((response) => response.end());
    await deliverTo((response) => response.writeHead(302, { location: target.url }).end());
    expect(target.requests).toEqual([]);
  });

  test('of 2xx whose body is interrupted is still delivered', async () => {
    await expect(
      deliverTo((response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"exter', () => response.socket?.destroy());
      }),
    ).resolves.toEqual({ kind: 'delivered', externalId: null, status: 200 });
  });

  test('without end is not read to the end', async () => {
    let written = 0;
    const outcome = await deliverTo((response) => {
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

  test('that never ends takes no longer than the timeout', async () => {
    const timers: NodeJS.Timeout[] = [];
    closers.push(async () => timers.forEach((timer) => clearInterval(timer)));
    const outcome = await deliverTo(
      (response) => {
        response.writeHead(200);
        timers.push(setInterval(() => response.write(' '), 20));
      },
      { timeoutMs: 300 },
    );
    expect(outcome).toEqual({ kind: 'delivered', externalId: null, status: 200 });
  });
});

describe('an attempt without a response', () => {
  test('because the connection is refused is retryable: nothing was sent', async () => {
    const port = await findUnusedPort();
    await expect(createChannel().deliver(createRequest(`http://127.0.0.1:${port}/`))).resolves.toEqual({
      kind: 'rejected',
      retryable: true,
      code: 'CONNECT_FAILED',
      status: null,
    });
  });

  test.each([{ allowPrivateAddresses: true }, {}])(
    'because the host name does not exist is retryable (%j)',
    async (options) => {
      await expect(
        createChannel(options).deliver(createRequest('http://no-such-name.invalid/')),
      ).resolves.toMatchObject({
        kind: 'rejected',
        retryable: true,
        code: 'CONNECT_FAILED',
      });
    },
  );

  test('because the provider hangs is uncertain after the timeout', async () => {
    await expect(deliverTo(() => undefined, { timeoutMs: 200 })).resolves.toEqual({
      kind: 'uncertain',
      code: 'TIMEOUT',
    });
  });

  test('because the provider closes the connection after reading the request is uncertain', async () => {
    await expect(deliverTo(({ socket }) => socket?.destroy())).resolves.toEqual({
      kind: 'uncertain',
      code: 'CONNECTION_LOST',
    });
  });

  test('because the provider does not speak HTTP is uncertain', async () => {
    const server = await startTcpServer((socket) => {
      socket.end('SSH-2.0-nonsense\r\n\r\n', () => socket.destroy());
    });
    closers.push(() => server.close());
    await expect(createChannel().deliver(createRequest(`http://127.0.0.1:${server.port}/`))).resolves.toEqual(
      {
        kind: 'uncertain',
        code: 'CONNECTION_LOST',
      },
    );
  });

  test.each<[string, unknown]>([
    ['without a reason', undefined],
    ['with a reason of its own', new Error('the worker stops')],
    ['with a reason that is no error', 'stop'],
  ])('because it is aborted %s is uncertain', async (_, reason) => {
    const abort = new AbortController();
    await expect(deliverTo(() => abort.abort(reason), { signal: abort.signal })).resolves.toEqual({
      kind: 'uncertain',
      code: 'ABORTED',
    });
  });

  test('because it is aborted before it starts was not sent', async () => {
    const { url, requests } = await startProvider((response) => response.end());
    await expect(
      createChannel().deliver(createRequest(url, { signal: AbortSignal.abort() })),
    ).resolves.toEqual({ kind: 'rejected', retryable: true, code: 'NOT_SENT', status: null });
    expect(requests).toEqual([]);
  });
});

describe('the request', () => {
  test('is a signed POST that the reference library accepts, under a stable id', async () => {
    const { url, requests } = await startProvider((response) => response.end());
    await createChannel().deliver(createRequest(`${url}/hook?team=a`));
    const [sent] = requests;
    expect(sent).toMatchObject({
      method: 'POST',
      path: '/hook?team=a',
      headers: {
        'content-type': 'application/json',
        'webhook-id': createNotification().id,
        'idempotency-key': createNotification().id,
      },
    });
    expect(() =>
      new Webhook(SECRET).verify(sent?.body ?? '', sent?.headers as Record<string, string>),
    ).not.toThrow();
    expect(JSON.stringify(sent)).not.toContain(SECRET.slice('whsec_'.length));
  });

  test('is signed with each secret during rotation', async () => {
    const next = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    const { url, requests } = await startProvider((response) => response.end());
    await createChannel().deliver(createRequest(url, { secret: `${SECRET} ${next}` }));
    const headers = requests[0]?.headers as Record<string, string>;
    for (const secret of [SECRET, next])
      expect(() => new Webhook(secret).verify(requests[0]?.body ?? '', headers)).not.toThrow();
  });

  test.each(['heliograph/v1', 'alertmanager/v4'] as const)(
    'has the same %s body for each attempt, with a new signature',
    async (format) => {
      let seconds = 1_800_000_000;
      const { url, requests } = await startProvider((response) => response.writeHead(500).end());
      const channel = createChannel({ allowPrivateAddresses: true, now: () => seconds++ * 1000 });
      for (let attempt = 0; attempt < 3; attempt++)
        await channel.deliver(createRequest(url, { settings: { url, format } }));
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
  ])('is rejected without connecting: %s', async (urlOf) => {
    const { port, requests } = await startProvider((response) => response.end());
    await expect(createChannel({}).deliver(createRequest(urlOf(port)))).resolves.toEqual(refused);
    expect(requests).toEqual([]);
  });

  test.each(['127.0.0.1', 'localhost'])(
    'is connected to if private addresses are allowed: %s',
    async (host) => {
      const { port } = await startProvider((response) => response.end());
      await expect(createChannel().deliver(createRequest(`http://${host}:${port}/`))).resolves.toMatchObject({
        kind: 'delivered',
      });
    },
  );
});

test('a secret that is no longer valid is an outcome, and nothing is sent', async () => {
  const { url, requests } = await startProvider((response) => response.end());
  await expect(createChannel().deliver(createRequest(url, { secret: 'broken' }))).resolves.toEqual({
    kind: 'rejected',
    retryable: false,
    code: 'SETTINGS_INVALID',
    status: null,
  });
  expect(requests).toEqual([]);
});
