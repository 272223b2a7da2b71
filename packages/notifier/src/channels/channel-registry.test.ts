import { afterAll, describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { NotifierError } from '../errors.ts';
import { notification } from '../testing/notification.ts';
import type { Channel } from './channel.ts';
import { createChannelRegistry } from './channel-registry.ts';
import { createWebhookChannel } from './webhook-channel.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const registry = createChannelRegistry([createWebhookChannel()]);
afterAll(() => registry.close());

function refusal(run: () => unknown): NotifierError {
  try {
    run();
  } catch (error) {
    if (error instanceof NotifierError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a connected app', () => {
  test('that fits is given back with its defaults', () => {
    expect(registry.check('webhook', { url: 'https://example.com/hook' }, SECRET)).toEqual({
      url: 'https://example.com/hook',
      format: 'heliograph/v1',
    });
  });

  test('of a provider that nobody knows is refused with those that are known', () => {
    const error = refusal(() => registry.check('pigeon', {}, SECRET));
    expect(error).toMatchObject({ code: 'NOTIFIER_PROVIDER_UNKNOWN', provider: 'pigeon', retryable: false });
    expect(error.message).toContain('webhook');
  });

  test.each<[string, unknown, string]>([
    ['no address', {}, 'url'],
    ['an address that is none', { url: 'here' }, 'url'],
    ['another protocol', { url: 'ftp://example.com/' }, 'url'],
    ['a file', { url: 'file:///etc/passwd' }, 'url'],
    ['a password in the address', { url: 'https://me:hunter22@example.com/' }, 'url'],
    ['an endless address', { url: `https://example.com/${'x'.repeat(2048)}` }, 'url'],
    ['a format that nobody knows', { url: 'https://example.com/', format: 'xml' }, 'format'],
    ['something else besides', { url: 'https://example.com/', verify: false }, 'verify'],
    ['a line end in the address', { url: 'https://example.com/a\nb' }, 'url'],
    ['a NUL in the address', { url: 'https://example.com/\0' }, 'url'],
    ['no object', 'https://example.com/', ''],
    ['nothing', null, ''],
  ])('with %s is refused by the path of the setting', (_, settings, path) => {
    const error = refusal(() => registry.check('webhook', settings, SECRET));
    expect(error.code).toBe('NOTIFIER_SETTINGS_INVALID');
    expect(error.problems.map((problem) => problem.path)).toContain(path);
    expect(JSON.stringify([error.message, error.problems])).not.toContain('hunter22');
  });

  test('with a secret that does not fit is refused without quoting it', () => {
    const secret = 'whsec_hunter2hunter2hunter2!';
    const error = refusal(() => registry.check('webhook', { url: 'https://example.com/' }, secret));
    expect(error.code).toBe('NOTIFIER_SECRET_INVALID');
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain('hunter2');
  });
});

describe('a delivery with what is stored', () => {
  const request = {
    provider: 'webhook',
    settings: { url: 'http://127.0.0.1:9/' } as unknown,
    secret: SECRET,
    notification: notification(),
    timeoutMs: 100,
  };

  test.each<[string, object]>([
    ['a provider that is gone', { provider: 'pigeon' }],
    ['settings that no longer fit', { settings: { url: 7 } }],
    ['no settings', { settings: null }],
  ])('and %s is an outcome, not an exception', async (_, change) => {
    await expect(registry.deliver({ ...request, ...change })).resolves.toEqual({
      kind: 'rejected',
      retryable: false,
      code: 'SETTINGS_INVALID',
      status: null,
    });
  });

  test('goes to the channel of its provider', async () => {
    await expect(registry.deliver(request)).resolves.toMatchObject({ code: 'ADDRESS_NOT_ALLOWED' });
  });
});

describe('a look-up of what is uncertain', () => {
  const settings = v.strictObject({ room: v.optional(v.string(), 'lobby') });
  const asked: unknown[] = [];
  const telling: Channel<typeof settings> = {
    provider: 'telling',
    settings,
    checkSecret: () => null,
    deliver: async () => ({ kind: 'uncertain', code: 'TIMEOUT' }),
    async lookUp(request) {
      asked.push([request.settings.room, request.notification.id]);
      return request.secret === 'known' ? 'delivered' : 'not-delivered';
    },
    close: async () => undefined,
  };
  const both = createChannelRegistry([telling, createWebhookChannel()]);
  afterAll(() => both.close());
  const request = { settings: {} as unknown, secret: 'known', notification: notification(), timeoutMs: 100 };

  test.each([
    ['known', 'delivered'],
    ['other', 'not-delivered'],
  ] as const)(
    'is answered by the channel of its provider, with checked settings (%s)',
    async (secret, answer) => {
      asked.length = 0;
      await expect(both.lookUp({ ...request, provider: 'telling', secret })).resolves.toBe(answer);
      expect(asked).toEqual([['lobby', notification().id]]);
    },
  );

  test.each<[string, object]>([
    ['a provider that cannot tell', { provider: 'webhook', settings: { url: 'https://example.com/' } }],
    ['a provider that is gone', { provider: 'pigeon' }],
    ['settings that no longer fit', { provider: 'telling', settings: { room: 7 } }],
  ])('is unknown for %s, and nobody is asked', async (_, change) => {
    asked.length = 0;
    await expect(both.lookUp({ ...request, provider: 'telling', ...change })).resolves.toBe('unknown');
    expect(asked).toEqual([]);
  });
});

test('two channels of one name are a programming error', () => {
  const channels = [createWebhookChannel(), createWebhookChannel()];
  expect(() => createChannelRegistry(channels)).toThrow(TypeError);
  expect(registry.providers).toEqual(['webhook']);
});
