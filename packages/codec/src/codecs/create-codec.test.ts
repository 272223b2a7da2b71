import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseKeyRing } from '../keys/parse-key-ring.ts';
import { anyPayload, jsonPayload, plain } from '../testing/payloads.ts';
import { type CodecOptions, createCodec } from './create-codec.ts';

/** Not by `Buffer.from`, which would put it into the memory that is looked through here. */
function patternOf(step: number): Buffer {
  const bytes = Buffer.alloc(32);
  for (const at of bytes.keys()) bytes[at] = (at * step + 11) % 256;
  return bytes;
}
const keyBytes = patternOf(37);
const keys = parseKeyRing(
  JSON.stringify({
    domains: { dispatch: { active: 'k1', keys: [{ id: 'k1', key: keyBytes.toString('base64url') }] } },
  }),
);

describe('a codec that compresses and encrypts', () => {
  test.each<Pick<CodecOptions, 'compression'>>([
    {},
    { compression: { minBytes: 0 } },
    { compression: false },
  ])('gives back any payload with %p', async (options) => {
    const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch', ...options });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 3 }), async (payloads) => {
        expect((await codec.decode(await codec.encode(payloads))).map(plain)).toEqual(payloads.map(plain));
      }),
    );
  });

  test('returns nothing in memory that holds more than it', async () => {
    const codec = createCodec({ keys, namespace: 'prod', domain: 'dispatch' });
    const encoded = await codec.encode([jsonPayload('x'), jsonPayload('A secret '.repeat(200))]);
    const decoded = await codec.decode(encoded);
    for (const { data } of [...encoded, ...decoded]) {
      expect(data?.buffer.byteLength).toBeLessThan((data?.length ?? 0) + 200);
      expect(Buffer.from(data?.buffer ?? new ArrayBuffer()).includes(keyBytes)).toBe(false);
    }
  });
});

test('the bytes of a parsed key do not stay in the memory that small buffers share', () => {
  const other = patternOf(41);
  const key = other.toString('base64url');
  const json = JSON.stringify({ domains: { d: { active: 'k', keys: [{ id: 'k', key }] } } });
  const pool = Buffer.from(Buffer.from('pool').buffer);
  parseKeyRing(json);
  expect(pool.indexOf(other)).toBe(-1);
});
