import { describe, expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { anyPayload, plain } from '../testing/payloads.ts';
import { readPayload, writePayload } from './payload-bytes.ts';

const { Payload } = proto.temporal.api.common.v1;
const write = (payload: Parameters<typeof writePayload>[0]): Buffer => {
  const { head, data } = writePayload(payload);
  return Buffer.concat([head, data]);
};

describe('the protobuf form of a payload', () => {
  test('is what protobuf writes, byte for byte', () => {
    fc.assert(
      fc.property(anyPayload, (payload) => {
        // protobufjs writes a field that is present, also where it is empty; other languages leave it out.
        const expected = Payload.encode(
          payload.data?.length === 0 ? { metadata: payload.metadata ?? null } : payload,
        ).finish();
        expect(write(payload).equals(expected)).toBe(true);
        expect(plain(readPayload(write(payload)))).toEqual(plain(payload));
      }),
    );
  });

  test.each([127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
    'has the right length at %d bytes',
    (length) => {
      const payload = { metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.alloc(length, 7) };
      expect(write(payload).equals(Payload.encode(payload).finish())).toBe(true);
    },
  );

  test('keeps references to external storage', () => {
    const payload = {
      metadata: { encoding: Buffer.from('json/protobuf') },
      data: Buffer.from('{}'),
      externalPayloads: [{ sizeBytes: 5062 as never }],
    };
    expect(Number(readPayload(write(payload)).externalPayloads?.[0]?.sizeBytes)).toBe(5062);
  });
});
