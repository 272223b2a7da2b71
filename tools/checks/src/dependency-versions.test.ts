import { expect, test } from '@jest/globals';
import { entriesWithHost, isExactVersion, lockedCopies } from './dependency-versions.ts';

test.each([
  ['1.2.3', true],
  ['18.4.0-beta.17', true],
  ['npm:typescript@7.0.2', true],
  ['npm:@typescript/typescript6@6.0.2', true],
  ['^1.2.3', false],
  ['~1.2.3', false],
  ['1.2', false],
  ['1.x', false],
  ['*', false],
  ['latest', false],
  ['>=1.2.3', false],
  ['1.2.3 || 2.0.0', false],
  ['npm:typescript@^7.0.2', false],
  ['file:../a', false],
])('%s is exact: %s', (version, expected) => {
  expect(isExactVersion(version)).toBe(expected);
});

const lock: { packages: Record<string, { version?: string; resolved?: string }> } = {
  packages: {
    '': { version: '0.0.0' },
    'node_modules/@temporalio/client': { version: '1.24.0' },
    'node_modules/protobufjs': { version: '8.8.1', resolved: 'https://registry.example/protobufjs.tgz' },
    'node_modules/@grpc/proto-loader/node_modules/protobufjs': { version: '7.6.6' },
    'node_modules/protobufjs-cli': { version: '1.0.0' },
    'node_modules/@heliograph/query': { resolved: 'packages/query' },
    'packages/query/node_modules/@temporalio/client': {
      version: '1.23.0',
      resolved: 'git+ssh://git@host/a.git',
    },
  },
};

test('nested copies are found, by whole names', () => {
  expect(lockedCopies(lock, (name) => name === 'protobufjs').map(({ version }) => version)).toEqual([
    '8.8.1',
    '7.6.6',
  ]);
  expect(lockedCopies(lock, (name) => name.startsWith('@temporalio/')).map(({ path }) => path)).toEqual([
    'node_modules/@temporalio/client',
    'packages/query/node_modules/@temporalio/client',
  ]);
});

test('hosts are found, links are none', () => {
  expect(entriesWithHost(lock)).toEqual([
    'node_modules/protobufjs',
    'packages/query/node_modules/@temporalio/client',
  ]);
});
