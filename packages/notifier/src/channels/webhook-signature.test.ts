import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { parseWebhookSecret, signWebhook } from './webhook-signature.ts';

const encodeSecret = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`;
const parseKeys = (secret: string): readonly Buffer[] => {
  const keys = parseWebhookSecret(secret);
  if (typeof keys === 'string') throw new TypeError(keys);
  return keys;
};
/** Verifies like a receiver that has one secret. */
const accepts = (secret: string, body: string, headers: Record<string, string>): boolean => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};

describe('a signature', () => {
  const nowSeconds = Math.floor(Date.now() / 1000);

  test('is what the reference library accepts, for any secret and body', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.string({ unit: 'binary' }),
        (bytes, text) => {
          const secret = encodeSecret(bytes);
          const body = JSON.stringify({ text });
          const headers = {
            'webhook-id': 'n-1',
            'webhook-timestamp': String(nowSeconds),
            'webhook-signature': signWebhook(parseKeys(secret), 'n-1', nowSeconds, body),
          };
          expect(accepts(secret, body, headers)).toBe(true);
          expect(accepts(secret, `${body} `, headers)).toBe(false);
          expect(accepts(secret, body, { ...headers, 'webhook-id': 'n-2' })).toBe(false);
          expect(accepts(secret, body, { ...headers, 'webhook-timestamp': String(nowSeconds + 1) })).toBe(
            false,
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test('of two secrets is accepted by receivers that have either, and by no other', () => {
    const [before, after, other] = [1, 2, 3].map((byte) => encodeSecret(Buffer.alloc(24, byte)));
    const headers = {
      'webhook-id': 'n',
      'webhook-timestamp': String(nowSeconds),
      'webhook-signature': signWebhook(parseKeys(`${before} ${after}`), 'n', nowSeconds, '{}'),
    };
    expect(accepts(before ?? '', '{}', headers)).toBe(true);
    expect(accepts(after ?? '', '{}', headers)).toBe(true);
    expect(accepts(other ?? '', '{}', headers)).toBe(false);
  });
});

describe('a secret', () => {
  test.each([24, 32, 64])('of %d bytes is valid', (bytes) => {
    expect(parseKeys(encodeSecret(Buffer.alloc(bytes, 5)))).toEqual([Buffer.alloc(bytes, 5)]);
  });

  test('is valid with space around it, and without the padding of its base64', () => {
    const [one, other] = [Buffer.alloc(25, 5), Buffer.alloc(26, 6)];
    const bare = [one, other].map((bytes) => encodeSecret(bytes).replaceAll('=', ''));
    expect(parseKeys(`  ${bare.join('  \n')}\n`)).toEqual([one, other]);
  });

  test.each<[string, string, string]>([
    ['another form', 'hunter2', 'a webhook secret must have the form whsec_<base64>'],
    ['too few bytes', encodeSecret(Buffer.alloc(23)), 'a webhook secret must have 24 to 64 bytes, found 23'],
  ])('with %s is rejected with what is expected', (_, secret, message) => {
    expect(parseWebhookSecret(secret)).toBe(message);
  });

  test.each<[string, string]>([
    ['something before the prefix', `x${encodeSecret(Buffer.alloc(24, 5))}`],
    ['something after the padding', `${encodeSecret(Buffer.alloc(25, 5))}.`],
    ['no prefix', Buffer.alloc(24, 5).toString('base64')],
    ['another prefix', `whpk_${Buffer.alloc(24, 5).toString('base64')}`],
    ['too few bytes', encodeSecret(Buffer.alloc(23, 5))],
    ['too many bytes', encodeSecret(Buffer.alloc(65, 5))],
    ['other characters', 'whsec_tops3cret!tops3cret!tops3cret!'],
    ['truncated base64', `whsec_${'A'.repeat(33)}`],
    ['one good and one bad', `${encodeSecret(Buffer.alloc(24, 5))} nonsense`],
    ['nothing', ''],
  ])('with %s is rejected without being quoted', (_, secret) => {
    const wrong = parseWebhookSecret(secret);
    expect(typeof wrong).toBe('string');
    for (const part of secret.split(' ').filter((each) => each.length > 5)) {
      expect(wrong).not.toContain(part);
      expect(wrong).not.toContain(part.replace(/^whsec_/, ''));
    }
  });
});
