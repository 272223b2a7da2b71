import { expect, test } from '@jest/globals';
import { maskKeys } from './mask-keys.ts';

const SECRET = 'A-b_9'.repeat(10);

test.each([
  ['/api/v1/auth/keys/0199a2b', '/api/v1/auth/keys/0199a2b'],
  [`/keys/hgk_abcdefghij27_${SECRET}`, '/keys/hgk_abcdefghij27_***'],
  [`/keys/hgk_abcdefghij27_${SECRET}/uses`, '/keys/hgk_abcdefghij27_***/uses'],
  [`/hgk%5Fabcdefghij27%5f${SECRET}`, '/hgk%5Fabcdefghij27%5f***'],
  [
    `/a=hgk_abcdefghij27_${SECRET}/hgk_bbcdefghij27_${SECRET}`,
    '/a=hgk_abcdefghij27_***/hgk_bbcdefghij27_***',
  ],
  [`/tokens/hgr_${SECRET}`, '/tokens/hgr_***'],
  ['/keys/hgk_abcdefghij27', '/keys/hgk_abcdefghij27'],
])('%s is shown as %s', (path, shown) => {
  expect(maskKeys(path)).toBe(shown);
});
