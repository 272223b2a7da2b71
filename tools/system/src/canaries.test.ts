import { expect, test } from '@jest/globals';
import { findCanaries, hatchCanaries } from './canaries.ts';

const canaries = hatchCanaries(['label', 'memo']);

test.each<[string, (canary: string) => Buffer]>([
  ['as it is', (canary) => Buffer.from(`{"a":"${canary}"}`)],
  ['among bytes', (canary) => Buffer.concat([Buffer.of(0, 255, 10), Buffer.from(canary), Buffer.of(0)])],
  ['in hexadecimal', (canary) => Buffer.from(Buffer.from(canary).toString('hex'))],
  ['at the start of base64', (canary) => Buffer.from(Buffer.from(canary).toString('base64'))],
  ['after one byte in base64', (canary) => Buffer.from(Buffer.from(`"${canary}"`).toString('base64'))],
  ['after two bytes in base64url', (canary) => Buffer.from(Buffer.from(`ÿ${canary}ÿ`).toString('base64url'))],
])('a canary is found %s', (_, hide) => {
  expect(findCanaries(hide(canaries.label), canaries)).toEqual(['label']);
});

test('nothing is found where none is', () => {
  expect(findCanaries(Buffer.from('canary-label-canary-memo'), canaries)).toEqual([]);
});
