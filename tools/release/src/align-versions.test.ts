import { expect, test } from '@jest/globals';
import { alignLock, alignVersions } from './align-versions.ts';

const versions = { '@heliograph/query': '1.2.0' };

test('dependencies on released packages get the new version, in every section; others stay', () => {
  const manifest = {
    name: '@heliograph/dispatch-center',
    version: '0.0.0',
    dependencies: { '@heliograph/query': '1.1.0', '@heliograph/stack': '0.0.0', hono: '4.13.19' },
    devDependencies: { '@heliograph/query': '1.1.0' },
  };
  expect(alignVersions(manifest, versions)).toEqual({
    name: '@heliograph/dispatch-center',
    version: '0.0.0',
    dependencies: { '@heliograph/query': '1.2.0', '@heliograph/stack': '0.0.0', hono: '4.13.19' },
    devDependencies: { '@heliograph/query': '1.2.0' },
  });
});

test('the lock follows in the entries of the workspace alone', () => {
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': { name: '@heliograph/source', version: '0.0.0' },
      'node_modules/@heliograph/query': { resolved: 'packages/query', link: true },
      'node_modules/hono': { version: '4.13.19', dependencies: { '@heliograph/query': '1.1.0' } },
      'packages/query': { name: '@heliograph/query', version: '1.1.0' },
      'apps/cli': { version: '0.0.0', dependencies: { '@heliograph/query': '1.1.0' } },
    },
  };
  const names = new Map([
    ['packages/query', '@heliograph/query'],
    ['apps/cli', '@heliograph/cli'],
  ]);
  expect(alignLock(lock, versions, names).packages).toEqual({
    ...lock.packages,
    'packages/query': { name: '@heliograph/query', version: '1.2.0' },
    'apps/cli': { version: '0.0.0', dependencies: { '@heliograph/query': '1.2.0' } },
  });
});
