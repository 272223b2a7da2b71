import { expect, test } from '@jest/globals';
import { parseSpecifier } from './specifier.ts';

test.each([
  ['./a.ts', { kind: 'relative' }],
  ['..', { kind: 'relative' }],
  ['../../b/c.js', { kind: 'relative' }],
  ['node:fs', { kind: 'builtin' }],
  ['fs/promises', { kind: 'builtin' }],
  ['node:of-a-later-version', { kind: 'builtin' }],
  ['valibot', { kind: 'package', name: 'valibot', entry: '.' }],
  ['ipaddr.js', { kind: 'package', name: 'ipaddr.js', entry: '.' }],
  ['drizzle-orm/pg-core', { kind: 'package', name: 'drizzle-orm', entry: './pg-core' }],
  ['@temporalio/common/lib/time.js', { kind: 'package', name: '@temporalio/common', entry: './lib/time.js' }],
  ['/etc/passwd', { kind: 'other' }],
  ['https://example.org/a.js', { kind: 'other' }],
  ['#internal', { kind: 'other' }],
])('%s', (text, expected) => {
  expect(parseSpecifier(text)).toEqual(expected);
});
