import { expect, test } from '@jest/globals';
import { completeLockfile, missingOptionalPackages } from './complete-lockfile.ts';

const lock = () => ({
  lockfileVersion: 3,
  packages: {
    '': {},
    'node_modules/tool': {
      version: '2.0.0',
      optionalDependencies: {
        '@tool/linux-x64-gnu': '2.0.0',
        '@tool/linux-arm64-musl': '2.0.0',
        '@tool/darwin-arm64': '2.0.0',
        fsevents: '^2.3.0',
      },
    },
    'node_modules/@tool/linux-x64-gnu': { version: '2.0.0', optional: true },
  },
});

test('exact optional packages that the lock lacks are named, ranges and present ones are not', () => {
  expect(missingOptionalPackages(lock())).toEqual([
    { name: '@tool/darwin-arm64', version: '2.0.0' },
    { name: '@tool/linux-arm64-musl', version: '2.0.0' },
  ]);
});

test('a completed lock lacks nothing and knows the platforms', () => {
  const completed = completeLockfile(lock());
  expect(missingOptionalPackages(completed)).toEqual([]);
  expect(completed.packages['node_modules/@tool/linux-arm64-musl']).toEqual({
    version: '2.0.0',
    optional: true,
    os: ['linux'],
    cpu: ['arm64'],
    libc: ['musl'],
  });
  expect(completed.packages['node_modules/@tool/darwin-arm64']).toEqual({
    version: '2.0.0',
    optional: true,
    os: ['darwin'],
    cpu: ['arm64'],
  });
});
