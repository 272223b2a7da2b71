import { startLoopbackServer } from '@heliograph/simulators';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { NotifierError } from '../errors.ts';
import { createNotification } from '../testing/notification.ts';
import type { Channel } from './channel.ts';
import { createChannelRegistry } from './channel-registry.ts';
import { redactSettings } from './redact-settings.ts';
import { createSlackWebhookChannel } from './slack-webhook-channel.ts';
import { createWebhookChannel } from './webhook-channel.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const registry = createChannelRegistry([createWebhookChannel()]);
afterAll(() => registry.close());

function catchError(run: () => unknown): NotifierError {
  try {
    run();
  } catch (error) {
    if (error instanceof NotifierError) return error;
    throw error;
  }
  throw new Error('expected a NotifierError');
}

describe('a connected app', () => {
  test('with valid settings is returned with defaults applied', () => {
    expect(registry.check('webhook', { url: 'https://example.com/hook' }, SECRET)).toEqual({
      url: 'https://example.com/hook',
      format: 'heliograph/v1',
    });
  });

  test('of an unknown provider is rejected with the list of providers', () => {
    const error = catchError(() => registry.check('pigeon', {}, SECRET));
    expect(error).toMatchObject({ code: 'NOTIFIER_PROVIDER_UNKNOWN', provider: 'pigeon', retryable: false });
    expect(error.message).toBe('unknown provider; expected one of: webhook');
    const pair = createChannelRegistry([createWebhookChannel(), createSlackWebhookChannel()]);
    expect(catchError(() => pair.check('pigeon', {}, SECRET)).message).toBe(
      'unknown provider; expected one of: slack-webhook, webhook',
    );
  });

  test.each<[string, unknown, string]>([
    ['no URL', {}, 'url'],
    ['an invalid URL', { url: 'here' }, 'url'],
    ['another protocol', { url: 'ftp://example.com/' }, 'url'],
    ['a file', { url: 'file:///etc/passwd' }, 'url'],
    ['a password in the URL', { url: 'https://me:hunter22@example.com/' }, 'url'],
    ['a URL that is too long', { url: `https://example.com/${'x'.repeat(2048)}` }, 'url'],
    ['an unknown format', { url: 'https://example.com/', format: 'xml' }, 'format'],
    ['an unknown setting', { url: 'https://example.com/', verify: false }, 'verify'],
    ['a line break in the URL', { url: 'https://example.com/a\nb' }, 'url'],
    ['a NUL in the URL', { url: 'https://example.com/\0' }, 'url'],
    ['a string instead of an object', 'https://example.com/', ''],
    ['nothing', null, ''],
  ])('with %s is rejected with the path of the setting', (_, settings, path) => {
    const error = catchError(() => registry.check('webhook', settings, SECRET));
    expect(error.code).toBe('NOTIFIER_SETTINGS_INVALID');
    expect(error.problems.map((problem) => problem.path)).toContain(path);
    expect(JSON.stringify([error.message, error.problems])).not.toContain('hunter22');
  });

  test.each<[unknown, string]>([
    [null, 'expected Object'],
    [{ url: 'hunter22' }, 'expected a valid value'],
    [{ url: 'https://me:hunter22@example.com/' }, 'expected an http or https URL without credentials'],
  ])('with %j is rejected by what was expected', (settings, message) => {
    const error = catchError(() => registry.check('webhook', settings, SECRET));
    expect(error.message).toBe('invalid settings for webhook');
    expect(error.problems[0]?.message).toBe(message);
  });

  test('that was shown with hidden query values keeps them, at the same URL only', () => {
    const stored = registry.check('webhook', { url: 'https://example.com/hook?token=hunter2' }, SECRET);
    const shown = redactSettings(stored);
    expect(shown).toMatchObject({ url: 'https://example.com/hook?token=REDACTED' });
    expect(registry.check('webhook', shown, SECRET, stored)).toEqual(stored);
    for (const [settings, before] of [
      [shown, undefined],
      [{ url: 'https://evil.example/hook?token=REDACTED' }, stored],
    ]) {
      const error = catchError(() => registry.check('webhook', settings, SECRET, before));
      expect(error.problems).toEqual([
        {
          path: 'url',
          message: 'expected the query value instead of REDACTED, which keeps a stored value of the same URL',
        },
      ]);
    }
  });

  test('with an invalid secret is rejected without quoting it', () => {
    const secret = 'whsec_hunter2hunter2hunter2!';
    const error = catchError(() => registry.check('webhook', { url: 'https://example.com/' }, secret));
    expect(error.code).toBe('NOTIFIER_SECRET_INVALID');
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain('hunter2');
  });
});

describe('a delivery with stored settings', () => {
  const request = {
    provider: 'webhook',
    settings: { url: 'http://127.0.0.1:9/' } as unknown,
    secret: SECRET,
    notification: createNotification(),
    timeoutMs: 100,
  };

  test.each<[string, object]>([
    ['an unknown provider', { provider: 'pigeon' }],
    ['settings that are no longer valid', { settings: { url: 7 } }],
    ['settings of a newer release', { settings: { url: 'http://127.0.0.1:9/', format: 'heliograph/v2' } }],
    ['no settings', { settings: null }],
  ])('and %s returns a retryable outcome, not an exception', async (_, change) => {
    await expect(registry.deliver({ ...request, ...change })).resolves.toEqual({
      kind: 'rejected',
      retryable: true,
      code: 'SETTINGS_INVALID',
      status: null,
    });
  });

  test('goes to the channel of its provider', async () => {
    await expect(registry.deliver(request)).resolves.toMatchObject({ code: 'ADDRESS_NOT_ALLOWED' });
  });
});

describe('the settings that shape the body', () => {
  const everything: Record<string, Record<string, readonly unknown[]>> = {
    webhook: {
      url: ['https://example.com/a', 'https://example.com/b'],
      format: ['heliograph/v1', 'alertmanager/v4'],
    },
    'slack-webhook': {
      labels: [['pod'], ['team']],
      linkUrl: ['https://example.com/{eventId}', 'https://example.com/{monitor}'],
    },
  };
  let bodies: string[] = [];
  let server: Awaited<ReturnType<typeof startLoopbackServer>>;
  const local = createChannelRegistry([
    createWebhookChannel({ allowPrivateAddresses: true }),
    createSlackWebhookChannel({ allowPrivateAddresses: true }),
  ]);
  beforeAll(async () => {
    server = await startLoopbackServer((response, request) => {
      bodies.push(request.body);
      response.end('ok');
    });
  });
  afterAll(async () => {
    await local.close();
    await server.close();
  });
  const deliver = async (provider: string, settings: object, bodySettings?: Record<string, unknown>) => {
    bodies = [];
    const origin = `http://127.0.0.1:${server.port}`;
    const given =
      'url' in settings ? { ...settings, url: `${origin}/${String(settings.url).at(-1)}` } : settings;
    await local.deliver({
      provider,
      settings: given,
      bodySettings,
      timeoutMs: 2000,
      secret: provider === 'webhook' ? SECRET : `${origin}/services/T1/B1/x`,
      notification: createNotification(),
    });
    return bodies[0];
  };

  test.each(local.providers)('of %s are those whose change changes it, and no others', async (provider) => {
    const options = everything[provider] ?? {};
    const first = Object.fromEntries(Object.entries(options).map(([name, [value]]) => [name, value]));
    const named = Object.keys(local.bodySettings(provider, first));
    for (const [name, [, other]] of Object.entries(options)) {
      const changed = { ...first, [name]: other };
      const [before, after] = [await deliver(provider, first), await deliver(provider, changed)];
      expect([name, before === after]).toEqual([name, !named.includes(name)]);
      // With those of the first attempt it stays as it was.
      const frozen = local.bodySettings(provider, first);
      await expect(deliver(provider, changed, frozen)).resolves.toBe(before);
    }
  });

  test('that were not set then are not set now, and those that are no longer valid are taken as they are now', async () => {
    const now = { labels: ['pod'], linkUrl: 'https://example.com/now' };
    const bare = await deliver('slack-webhook', {});
    await expect(deliver('slack-webhook', now, local.bodySettings('slack-webhook', {}))).resolves.toBe(bare);
    await expect(deliver('slack-webhook', now, { labels: 'x' })).resolves.toBe(
      await deliver('slack-webhook', now),
    );
  });

  test.each([
    ['an unknown provider', 'pigeon', {}],
    ['settings that are no longer valid', 'webhook', { url: 7 }],
  ])('are none for %s', (_, provider, settings) => {
    expect(local.bodySettings(provider, settings)).toEqual({});
  });
});

describe('a permit to send', () => {
  const local = createChannelRegistry([
    createWebhookChannel({ allowPrivateAddresses: true, maxConnectionsPerOrigin: 1 }),
    createSlackWebhookChannel({ allowPrivateAddresses: true, maxConnectionsPerOrigin: 1 }),
  ]);
  afterAll(() => local.close());
  const slackUrl = (port: number) => `http://127.0.0.1:${port}/services/T1/B1/x`;

  test.each<[string, (port: number) => { readonly settings: unknown; readonly secret: string }]>([
    ['webhook', (port) => ({ settings: { url: `http://127.0.0.1:${port}/a` }, secret: SECRET })],
    ['slack-webhook', (port) => ({ settings: {}, secret: slackUrl(port) })],
  ])('of %s is for one connection to the destination, and deliver uses it', async (provider, describeApp) => {
    const server = await startLoopbackServer((response) => response.end('ok'));
    const destination = { provider, ...describeApp(server.port) };
    const permit = await local.reserve({ ...destination, waitMs: 0 });
    await expect(local.reserve({ ...destination, waitMs: 0 })).resolves.toBeNull();
    const attempt = { ...destination, notification: createNotification(), timeoutMs: 2000 };
    await expect(local.deliver(attempt)).resolves.toMatchObject({ kind: 'rejected', code: 'NOT_SENT' });
    if (permit === null) throw new Error('no permit');
    await expect(local.deliver({ ...attempt, permit })).resolves.toMatchObject({ kind: 'delivered' });
    permit.release();
    (await local.reserve({ ...destination, waitMs: 0 }))?.release();
    await server.close();
  });

  test.each<[string, object]>([
    ['an unknown provider', { provider: 'pigeon' }],
    ['settings that are no longer valid', { settings: { url: 7 } }],
    ['a secret that is no longer valid', { provider: 'slack-webhook', settings: {}, secret: 'x' }],
  ])('for %s is granted at once: deliver says what is wrong', async (_, change) => {
    const request = { provider: 'webhook', settings: { url: 'https://example.com/' }, secret: SECRET };
    const permits = await Promise.all([1, 2].map(() => local.reserve({ ...request, ...change, waitMs: 0 })));
    expect(permits).not.toContain(null);
    for (const permit of permits) permit?.release();
  });
});

describe('a lookup of a notification in doubt', () => {
  const settings = v.strictObject({ room: v.optional(v.string(), 'lobby') });
  const lookUps: unknown[] = [];
  const answering: Channel<typeof settings> = {
    provider: 'answering',
    settings,
    bodySettings: ['room'],
    checkSecret: () => null,
    deliver: async () => ({ kind: 'uncertain', code: 'TIMEOUT' }),
    async lookUp(request) {
      lookUps.push([request.settings.room, request.notification.id]);
      return request.secret === 'known' ? 'delivered' : 'not-delivered';
    },
    close: async () => undefined,
  };
  const both = createChannelRegistry([answering, createWebhookChannel()]);
  afterAll(() => both.close());
  test('is made with the settings that its body was made of', async () => {
    lookUps.length = 0;
    await both.lookUp({
      settings: { room: 'now' },
      secret: 'known',
      timeoutMs: 100,
      provider: 'answering',
      notification: createNotification(),
      bodySettings: { room: 'then' },
    });
    expect(lookUps).toEqual([['then', createNotification().id]]);
  });

  const request = {
    settings: {} as unknown,
    secret: 'known',
    notification: createNotification(),
    timeoutMs: 100,
  };

  test.each([
    ['known', 'delivered'],
    ['other', 'not-delivered'],
  ] as const)(
    'is answered by the channel of its provider, with defaults applied (%s)',
    async (secret, answer) => {
      lookUps.length = 0;
      await expect(both.lookUp({ ...request, provider: 'answering', secret })).resolves.toBe(answer);
      expect(lookUps).toEqual([['lobby', createNotification().id]]);
    },
  );

  test.each<[string, object]>([
    ['a channel without lookUp', { provider: 'webhook', settings: { url: 'https://example.com/' } }],
    ['an unknown provider', { provider: 'pigeon' }],
    ['settings that are no longer valid', { provider: 'answering', settings: { room: 7 } }],
  ])('is unknown for %s, and no provider is asked', async (_, change) => {
    lookUps.length = 0;
    await expect(both.lookUp({ ...request, provider: 'answering', ...change })).resolves.toBe('unknown');
    expect(lookUps).toEqual([]);
  });
});

test('two channels with the same provider name are a programming error', () => {
  const channels = [createWebhookChannel(), createWebhookChannel()];
  expect(() => createChannelRegistry(channels)).toThrow(
    new TypeError('provider names must be unique: two channels have the same one'),
  );
  expect(registry.providers).toEqual(['webhook']);
});
