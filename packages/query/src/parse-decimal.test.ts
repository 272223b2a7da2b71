import { expect, test } from '@jest/globals';
import { MAX_DECIMAL_LENGTH, parseDecimal } from './parse-decimal.ts';

test.each<[string, number | undefined]>([
  ['0', 0],
  ['-0', 0],
  ['+0.0', 0],
  ['-0e5', 0],
  ['007', 7],
  ['-1.50', -1.5],
  ['1E+2', 100],
  ['12e-1', 1.2],
  ['1e308', 1e308],
  ['1e309', undefined],
  ['-1e309', undefined],
  ['', undefined],
  ['.5', undefined],
  ['5.', undefined],
  ['1e', undefined],
  ['x1', undefined],
  ['1x', undefined],
  ['1'.repeat(MAX_DECIMAL_LENGTH), Number('1'.repeat(MAX_DECIMAL_LENGTH))],
  ['1'.repeat(MAX_DECIMAL_LENGTH + 1), undefined],
])('%j is the number %d', (text, value) => {
  expect(parseDecimal(text)).toBe(value);
});
