import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { createKey } from '../keys/codec-key.ts';
import { createKeyRing } from '../keys/key-ring.ts';
import { plain } from '../testing/payloads.ts';
import { createEncryptionCodec } from './encryption-codec.ts';

interface JsonPayload {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}
interface Vector {
  readonly name: string;
  readonly key: string;
  readonly keyId: string;
  readonly wrappedKey?: string;
  readonly namespace: string;
  readonly domain: string;
  readonly nonce: string;
  readonly plain: JsonPayload;
  readonly encoded: JsonPayload;
}

const { vectors, samples } = JSON.parse(
  readFileSync(new URL('../../vectors/v1.json', import.meta.url), 'utf8'),
) as {
  readonly vectors: readonly Vector[];
  readonly samples: {
    readonly key: string;
    readonly keyId: string;
    readonly vectors: readonly Pick<Vector, 'name' | 'plain' | 'encoded'>[];
  };
};
const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const payloadOf = ({ metadata, data }: JsonPayload): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, bytes(value)])),
  data: bytes(data),
});

describe('a published vector', () => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))('of %s holds', async (_, vector) => {
    const { key, keyId, wrappedKey, namespace, domain, nonce } = vector;
    const wrapped = wrappedKey === undefined ? null : bytes(wrappedKey);
    const keys = createKeyRing({
      [domain]: { active: createKey(keyId, bytes(key), { wrapped }), others: [] },
    });
    const codec = createEncryptionCodec({ keys, namespace, domain, makeNonce: () => bytes(nonce) });
    const [encoded] = await codec.encode([payloadOf(vector.plain)]);
    expect(plain(encoded ?? {})).toEqual(vector.encoded);
    const [decoded] = await codec.decode([payloadOf(vector.encoded)]);
    expect(plain(decoded ?? {})).toEqual(vector.plain);
  });
});

describe('a payload of the official samples', () => {
  const ofSamples = createKey(samples.keyId, bytes(samples.key), { isOfSamples: true });
  const active = createKey('k1', Buffer.alloc(32, 1));
  const codecWith = (key: typeof active) =>
    createEncryptionCodec({
      keys: createKeyRing({ dispatch: { active, others: [key] } }),
      namespace: 'default',
      domain: 'dispatch',
    });

  test.each(samples.vectors.map((vector) => [vector.name, vector] as const))(
    'with %s is read',
    async (_, vector) => {
      const [decoded] = await codecWith(ofSamples).decode([payloadOf(vector.encoded)]);
      expect(plain(decoded ?? {})).toEqual(vector.plain);
    },
  );

  test('is refused unless its key is for that format', async () => {
    const ours = codecWith({ ...ofSamples, isOfSamples: false });
    const [vector] = samples.vectors;
    if (vector === undefined) throw new Error('no vectors');
    await expect(ours.decode([payloadOf(vector.encoded)])).rejects.toMatchObject({ code: 'CODEC_CORRUPT' });
  });
});
