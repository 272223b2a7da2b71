import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { isCodecError } from '../contract/errors.ts';
import { createKey } from '../keys/codec-key.ts';
import { createEnvelopeKeyRing } from '../keys/envelope-key-ring.ts';
import { createKeyRing, type KeyRing } from '../keys/key-ring.ts';
import { createMemorySource } from '../testing/memory-source.ts';
import { anyPayload, plain } from '../testing/payloads.ts';
import { createCodec } from './create-codec.ts';
import { writePayload } from './payload-bytes.ts';
import { seal } from './seal.ts';

/** The same bytes stand behind every id and in every domain: only what is authenticated keeps them apart. */
const bytes = Buffer.alloc(32, 3);
const ofSamples = createKey('samples', bytes, { isOfSamples: true });
const domainKeys = { active: createKey('k1', bytes), others: [createKey('k0', bytes), ofSamples] };
const staticRing = createKeyRing({ dispatch: domainKeys, health: domainKeys });
const source = createMemorySource('kms');
const otherSource = createMemorySource('kms-old');

const codecOf = (keys: KeyRing, { namespace = 'prod', domain = 'dispatch' } = {}) =>
  createCodec({ keys, namespace, domain, compression: { minBytes: 200 }, maxKeyWaitMs: 0 });

let envelopeRing: KeyRing;
beforeAll(async () => {
  const keys = { active: source, others: [otherSource] };
  const ring = await createEnvelopeKeyRing({ namespace: 'prod', domains: { dispatch: keys, health: keys } });
  ring.close();
  envelopeRing = ring;
});

/** Each format, as it is encoded. */
const formats = {
  'a key of our own': (payload: Payload) => codecOf(staticRing).encode([payload]),
  'a wrapped data key': (payload: Payload) => codecOf(envelopeRing).encode([payload]),
  'the samples': async (payload: Payload) => [
    {
      metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('samples') },
      data: seal(ofSamples.key, { nonce: Buffer.alloc(12, 7), associated: null }, writePayload(payload)),
    },
  ],
};
const ringOf = (format: string): KeyRing => (format === 'a wrapped data key' ? envelopeRing : staticRing);

/** A place in an envelope: its data, or the value of one of its metadata. */
const placesOf = ({ metadata }: Payload): readonly string[] => ['data', ...Object.keys(metadata ?? {})];
const bytesAt = ({ data, metadata }: Payload, place: string): Uint8Array =>
  (place === 'data' ? data : metadata?.[place]) ?? new Uint8Array();
const withBytes = (payload: Payload, place: string, value: Uint8Array): Payload =>
  place === 'data'
    ? { ...payload, data: value }
    : { ...payload, metadata: { ...payload.metadata, [place]: value } };

/** The outcome of a payload that is to be refused: for good, with a code. */
async function refusalOf(keys: KeyRing, payload: Payload): Promise<unknown> {
  return codecOf(keys)
    .decode([payload])
    .then(
      (payloads) => payloads.map(plain),
      (error: unknown) => (isCodecError(error) && !error.retryable ? 'refused' : error),
    );
}

describe.each(Object.entries(formats))('an envelope of %s', (format, encode) => {
  const encoded = async (payload: Payload): Promise<Payload> => (await encode(payload))[0] ?? {};

  test('gives back any payload', async () => {
    await fc.assert(
      fc.asyncProperty(anyPayload, async (payload) => {
        const looksCompressed = /zstd|gzip/.test(
          Buffer.from(payload.metadata?.['encoding'] ?? []).toString(),
        );
        // What the samples hold may be compressed by others, and comes back decompressed.
        fc.pre(format !== 'the samples' || !looksCompressed);
        const decoded = await codecOf(ringOf(format)).decode([await encoded(payload)]);
        expect(decoded.map(plain)).toEqual([plain(payload)]);
      }),
      { numRuns: 300 },
    );
  });

  test('is refused after any bit of it was flipped', async () => {
    await fc.assert(
      fc.asyncProperty(anyPayload, fc.nat(), fc.nat(), async (payload, whichPlace, whichBit) => {
        const envelope = await encoded(payload);
        const places = placesOf(envelope);
        const place = places[whichPlace % places.length] ?? 'data';
        const changed = Uint8Array.from(bytesAt(envelope, place));
        const bit = whichBit % (changed.length * 8);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await refusalOf(ringOf(format), withBytes(envelope, place, changed))).toBe('refused');
      }),
      { numRuns: 600 },
    );
  });

  test('is refused after any part of it was truncated, left out or added', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPayload,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('end', 'start', 'middle', 'more', 'all'),
        async (payload, whichPlace, at, how) => {
          const envelope = await encoded(payload);
          const places = placesOf(envelope);
          const place = places[whichPlace % places.length] ?? 'data';
          const whole = Buffer.from(bytesAt(envelope, place));
          const cut = at % whole.length;
          const changed = {
            end: whole.subarray(0, cut),
            start: whole.subarray(cut + 1),
            middle: Buffer.concat([whole.subarray(0, cut), whole.subarray(cut + 1)]),
            more: Buffer.concat([whole, whole.subarray(cut)]),
            all: Buffer.alloc(0),
          }[how];
          expect(await refusalOf(ringOf(format), withBytes(envelope, place, changed))).toBe('refused');
        },
      ),
      { numRuns: 600 },
    );
  });

  test('is refused after blocks of its data changed places', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPayload,
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        fc.nat(),
        async (payload, size, a, b) => {
          const envelope = await encoded(payload);
          const data = Buffer.from(bytesAt(envelope, 'data'));
          const blocks = Array.from({ length: Math.ceil(data.length / size) }, (_, at) =>
            data.subarray(at * size, (at + 1) * size),
          );
          const [one, other] = [a % blocks.length, b % blocks.length];
          [blocks[one], blocks[other]] = [blocks[other] ?? data, blocks[one] ?? data];
          const changed = Buffer.concat(blocks);
          fc.pre(!changed.equals(data));
          expect(await refusalOf(ringOf(format), { ...envelope, data: changed })).toBe('refused');
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is refused with any part of another envelope in it', async () => {
    await fc.assert(
      fc.asyncProperty(anyPayload, anyPayload, fc.nat(), async (payload, other, whichPlace) => {
        const [envelope, foreign] = [await encoded(payload), await encodedElsewhere(other)];
        const shared = placesOf(envelope).filter(
          (place) => !Buffer.from(bytesAt(envelope, place)).equals(bytesAt(foreign, place)),
        );
        const place = shared[whichPlace % shared.length] ?? 'data';
        const mixed = withBytes(envelope, place, bytesAt(foreign, place));
        expect(await refusalOf(ringOf(format), mixed)).toBe('refused');
      }),
      { numRuns: 300 },
    );
  });

  /** With other names, and keys that have the same bytes. */
  const encodedElsewhere = async (payload: Payload): Promise<Payload> => {
    const keys = createKeyRing({ health: { active: createKey('k0', bytes), others: [] } });
    const elsewhere = codecOf(keys, { namespace: 'test', domain: 'health' });
    const [envelope = {}] = await elsewhere.encode([payload]);
    return {
      ...envelope,
      metadata: { ...envelope.metadata, 'encryption-dek': Buffer.from('kms-old:0') },
    };
  };
});

/** A step of a rotation. */
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('encode' as const), payload: anyPayload }),
  fc.record({ kind: fc.constant('activate' as const), key: fc.nat(5) }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.nat(5) }),
);

test('whatever the order of rotations, payloads are decoded as long as the ring has their key, and name it afterwards', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
      const keyOf = (at: number) => createKey(`k${at}`, Buffer.alloc(32, at + 1));
      const held = new Set([0]);
      let active = 0;
      const written: { readonly key: number; readonly payload: Payload; readonly encoded: Payload }[] = [];
      const codec = () => {
        const others = [...held].filter((at) => at !== active).map(keyOf);
        return codecOf(createKeyRing({ dispatch: { active: keyOf(active), others } }));
      };
      for (const step of steps) {
        if (step.kind === 'activate') {
          active = step.key;
          held.add(active);
        } else if (step.kind === 'remove') {
          if (step.key !== active) held.delete(step.key);
        } else {
          const [encoded = {}] = await codec().encode([step.payload]);
          written.push({ key: active, payload: step.payload, encoded });
        }
        const outcomes = await codec().decodeEach(written.map(({ encoded }) => encoded));
        for (const [at, outcome] of outcomes.entries()) {
          const { key, payload } = written[at] ?? { key: -1, payload: {} };
          if (held.has(key)) {
            expect(outcome.kind === 'decoded' ? plain(outcome.payload) : outcome.error).toEqual(
              plain(payload),
            );
            continue;
          }
          expect(outcome).toMatchObject({
            kind: 'failed',
            error: {
              code: 'CODEC_KEY_UNKNOWN',
              keyId: `k${key}`,
              message: expect.stringContaining(`k${key}`),
            },
          });
        }
      }
    }),
    { numRuns: 100 },
  );
});
