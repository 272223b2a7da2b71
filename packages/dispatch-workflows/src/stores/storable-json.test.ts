import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { storableJson } from './storable-json.ts';

test.each([
  ['a\u0000b', 'a\ufffdb'],
  ['\ud800', '\ufffd'],
  ['\udc00x', '\ufffdx'],
  ['a whole pair: \ud83d\ude00', 'a whole pair: \ud83d\ude00'],
  ['"quoted" \\ and new\nline', '"quoted" \\ and new\nline'],
])('%j is stored as %j', (given, stored) => {
  expect(JSON.parse(storableJson([given]))).toEqual([stored]);
});

test('whatever it is given is JSON, and text without those characters stays as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      expect(() => JSON.parse(storableJson([value, text]))).not.toThrow();
      expect(storableJson(text)).not.toMatch(/\\u0000/);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(JSON.parse(storableJson(text))).toBe(text);
    }),
  );
});
