import { describe, expect, test } from '@jest/globals';
import { collectEdges } from '../edges.ts';
import { fakeWorkspace, summaries } from '../testing/fake-workspace.ts';
import { checkLayers } from './layers.ts';

const FOLDERS = {
  app: 'apps',
  skeleton: 'packages',
  domain: 'packages',
  contract: 'packages',
  foundation: 'packages',
  tooling: 'tools',
};

/** @param path of the importing file */
function violationsOf(
  from: keyof typeof FOLDERS,
  to: keyof typeof FOLDERS,
  path: string = 'src/index.ts',
  [a, b]: readonly [string, string] = ['a', 'b'],
) {
  const section = path === 'src/index.ts' ? 'dependencies' : 'devDependencies';
  const workspace = fakeWorkspace({
    [`${FOLDERS[from]}/${a}`]: {
      tags: [`layer:${from}`, 'runtime:node'],
      manifest: { [section]: { [`@fake/${b}`]: '0.0.0' } },
      files: { [path]: `import '@fake/${b}';` },
    },
    [`${FOLDERS[to]}/${b}`]: { tags: [`layer:${to}`, 'runtime:node'] },
  });
  return checkLayers(collectEdges(workspace));
}

describe('arrows', () => {
  test.each([
    ['app', 'skeleton'],
    ['app', 'domain'],
    ['app', 'contract'],
    ['app', 'foundation'],
    ['skeleton', 'contract'],
    ['skeleton', 'foundation'],
    ['domain', 'contract'],
    ['domain', 'foundation'],
    ['contract', 'contract'],
    ['foundation', 'contract'],
    ['tooling', 'skeleton'],
    ['tooling', 'domain'],
    ['tooling', 'foundation'],
    ['tooling', 'tooling'],
  ] as const)('%s may use %s', (from, to) => {
    expect(violationsOf(from, to)).toEqual([]);
  });

  test.each([
    ['app', 'app'],
    ['app', 'tooling'],
    ['skeleton', 'app'],
    ['skeleton', 'skeleton'],
    ['skeleton', 'domain'],
    ['skeleton', 'tooling'],
    ['domain', 'app'],
    ['domain', 'skeleton'],
    ['domain', 'domain'],
    ['domain', 'tooling'],
    ['contract', 'app'],
    ['contract', 'skeleton'],
    ['contract', 'domain'],
    ['contract', 'foundation'],
    ['contract', 'tooling'],
    ['foundation', 'app'],
    ['foundation', 'skeleton'],
    ['foundation', 'domain'],
    ['foundation', 'foundation'],
    ['foundation', 'tooling'],
    ['tooling', 'app'],
  ] as const)('%s may not use %s, neither declared nor imported', (from, to) => {
    const files = violationsOf(from, to).map(({ file }) => file.replace(/^\w+\//, ''));
    expect(files).toEqual(['a/package.json', 'a/src/index.ts']);
  });
});

test.each([
  'src/a.test.ts',
  'src/testing/ground.ts',
  'demo/demo.js',
  'scripts/bundle.js',
  'stack.js',
  'drizzle.config.js',
])('tooling may be used in %s as a dev dependency', (path) => {
  expect(violationsOf('domain', 'tooling', path)).toEqual([]);
});

test('a wire contract may read an isolate foundation', () => {
  const workspace = fakeWorkspace({
    'packages/a': {
      tags: ['layer:contract', 'runtime:both'],
      manifest: { dependencies: { '@fake/b': '0.0.0' } },
      files: { 'src/index.ts': "import '@fake/b';" },
    },
    'packages/b': { tags: ['layer:foundation', 'runtime:isolate'] },
  });
  expect(checkLayers(collectEdges(workspace))).toEqual([]);
});

test('a test does not excuse an arrow that points up', () => {
  expect(summaries(violationsOf('foundation', 'domain', 'src/a.test.ts'))).toEqual([
    'packages/a/package.json:36 foundation a depends on domain b',
    'packages/a/src/a.test.ts:1 foundation a imports domain b',
  ]);
});

test.each([
  ['incident', 'health-machine'],
  ['uptime', 'health-machine'],
  ['node-workflows', 'health-machine'],
  ['incident', 'notifier'],
  ['dispatch-workflows', 'notifier'],
])('the contract edge %s → %s is open in one direction', (a, b) => {
  expect(violationsOf('domain', 'domain', 'src/index.ts', [a, b])).toEqual([]);
  expect(violationsOf('domain', 'domain', 'src/index.ts', [b, a])).toHaveLength(2);
});

test('an edge that only Nx knows is judged as well', () => {
  const workspace = fakeWorkspace(
    {
      'packages/a': { tags: ['layer:foundation', 'runtime:node'] },
      'packages/b': { tags: ['layer:domain', 'runtime:node'] },
    },
    [{ source: '@fake/a', target: '@fake/b' }],
  );
  expect(summaries(checkLayers(collectEdges(workspace)))).toEqual([
    'packages/a/package.json:1 foundation a depends, by the Nx graph, on domain b',
  ]);
});
