import { describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { envelopeMetadata } from '../codecs/envelope.ts';
import { CLAIM_DRIVER, METADATA } from '../contract/metadata.ts';
import { jsonPayload } from '../testing/payloads.ts';
import { classifyPayload } from './classify-payload.ts';
import { countFindings, countPlain, countUses, emptySurvey } from './namespace-survey.ts';
import { addFindings, NO_FINDINGS } from './run-findings.ts';

const encoder = new TextEncoder();
const sealed = (keyId: string, domain = 'dispatch'): Payload => ({
  metadata: envelopeMetadata({ keyId, wrappedKey: null, namespace: 'n', domain }),
  data: new Uint8Array(40),
});
const ofSamples = (keyId: string): Payload => ({
  metadata: { encoding: encoder.encode('binary/encrypted'), [METADATA.keyId]: encoder.encode(keyId) },
  data: new Uint8Array(40),
});
const reference: Payload = {
  metadata: {
    encoding: encoder.encode('json/protobuf'),
    messageType: encoder.encode('temporal.api.sdk.v1.ExternalStorageReference'),
  },
  data: encoder.encode('{}'),
};
const ourReference: Payload = {
  ...reference,
  data: encoder.encode(
    JSON.stringify({
      driverName: CLAIM_DRIVER,
      claimData: { v: '1', name: `c1-${'a'.repeat(64)}.${'b'.repeat(16)}` },
    }),
  ),
};
const compressed: Payload = {
  metadata: { encoding: encoder.encode('binary/zstd') },
  data: new Uint8Array(4),
};
const unreadable: Payload = {
  metadata: { encoding: encoder.encode('binary/encrypted') },
  data: new Uint8Array(4),
};

describe('a payload is classified by its metadata', () => {
  test.each<[string, Payload, object]>([
    ['ours', sealed('k1'), { kind: 'encrypted', envelope: { keyId: 'k1', domain: 'dispatch' } }],
    ['of the samples', ofSamples('k0'), { kind: 'encrypted', envelope: { keyId: 'k0', domain: null } }],
    ['a reference of another driver', reference, { kind: 'reference', keyId: null }],
    ['a reference of ours', ourReference, { kind: 'reference', keyId: 'c1' }],
    ['plain', jsonPayload(1), { kind: 'plain', encoding: 'json/plain' }],
    ['only compressed', compressed, { kind: 'plain', encoding: 'binary/zstd' }],
    ['without metadata', { metadata: {}, data: new Uint8Array() }, { kind: 'plain', encoding: null }],
    ['encrypted without a key', unreadable, { kind: 'unreadable' }],
  ])('%s', (_, payload, expected) => {
    expect(classifyPayload(payload)).toMatchObject(expected);
  });
});

describe('counts', () => {
  const findings = (...payloads: readonly Payload[]) => addFindings(NO_FINDINGS, { payloads }, 'event 1');
  const survey = [
    ['open', 'w1 r1', findings(sealed('k1'), sealed('k1'), sealed('k0'))],
    ['open', 'w2 r2', findings(sealed('k1'), jsonPayload(1), jsonPayload(2))],
    ['retained', 'w3 r3', findings(sealed('k1', 'health'), reference, unreadable)],
    ['schedules', 'schedule s1', findings(ofSamples('k1'))],
  ] as const;
  const counted = survey.reduce(
    (sum, [subject, name, found]) => countFindings(sum, subject, name, found),
    emptySurvey('n'),
  );

  test('are of runs and schedules, not of payloads', () => {
    expect(counted).toMatchObject({
      open: { total: 2, plain: 1, references: 0 },
      retained: { total: 1, plain: 0, references: 1, unreadable: 1 },
      schedules: { total: 1, plain: 0 },
      examples: [{ name: 'w2 r2', place: 'event 1.payloads[1]' }],
      isOverflown: false,
    });
    expect(countPlain(counted)).toBe(1);
  });

  test('tell domains apart, and count the format of the samples, which has none, for each', () => {
    expect(counted.keys).toEqual([
      { domain: null, keyId: 'k1', open: 0, retained: 0, schedules: 1 },
      { domain: 'dispatch', keyId: 'k0', open: 1, retained: 0, schedules: 0 },
      { domain: 'dispatch', keyId: 'k1', open: 2, retained: 0, schedules: 0 },
      { domain: 'health', keyId: 'k1', open: 0, retained: 1, schedules: 0 },
    ]);
    expect(countUses(counted, { domain: 'dispatch', keyId: 'k1' })).toBe(3);
    expect(countUses(counted, { domain: 'health', keyId: 'k1' })).toBe(2);
    expect(countUses(counted, { domain: 'dispatch', keyId: 'k9' })).toBe(0);
  });

  test('a stored payload counts for the key that made its name', () => {
    const named = countFindings(emptySurvey('n'), 'open', 'w1 r1', findings(ourReference));
    expect(named.open).toMatchObject({ plain: 0, references: 1 });
    expect(countUses(named, { domain: 'dispatch', keyId: 'c1' })).toBe(1);
  });

  test('whoever writes payloads cannot fill the memory with key ids', () => {
    const names = Array.from({ length: 1500 }, (_, index) => sealed(`k${index}`));
    const one = findings(...names);
    expect(one.keys.size).toBe(1000);
    expect(one.isOverflown).toBe(true);
    let many = emptySurvey('n');
    for (const [index, payload] of names.entries())
      many = countFindings(many, 'open', `w${index}`, findings(payload));
    expect(many.keys).toHaveLength(1000);
    expect(many.isOverflown).toBe(true);
    expect(many.open.total).toBe(1500);
  });
});
