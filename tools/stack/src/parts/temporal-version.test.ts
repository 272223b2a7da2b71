import { describe, expect, test } from '@jest/globals';
import { isAtLeast, parseGoVersion, parseVersionOutput } from './temporal-version.ts';

describe('the output of --version', () => {
  test.each([
    ['temporal version 1.5.1 (Server 1.32.0, UI 2.40.1)', { kind: 'cli', serverVersion: '1.32.0' }],
    ['temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)\n', { kind: 'cli', serverVersion: '1.29.1' }],
    ['temporal version 1.6.0 (Server 1.33.0-rc.1, UI 2.42.1)', { kind: 'cli', serverVersion: '1.33.0' }],
    ['temporal version 1.32.1\n', { kind: 'server', serverVersion: '1.32.1' }],
    ['v20.20.2', undefined],
    ['', undefined],
  ])('%j is %j', (output, info) => {
    expect(parseVersionOutput(output)).toEqual(info);
  });
});

test.each([
  ['go version go1.26.8 linux/amd64', '1.26.8'],
  ['go version go1.27 darwin/arm64', '1.27'],
  ['command not found', undefined],
])('%j is Go %s', (output, version) => {
  expect(parseGoVersion(output)).toBe(version);
});

test.each([
  ['1.32.0', '1.32.0', true],
  ['1.32.1', '1.32.0', true],
  ['1.31.9', '1.32.0', false],
  ['1.100.0', '1.32.0', true],
  ['2.0.0', '1.32.0', true],
  ['1.27', '1.26.8', true],
  ['1.26', '1.26.8', false],
])('%s is at least %s: %s', (version, oldest, expected) => {
  expect(isAtLeast(version, oldest)).toBe(expected);
});
