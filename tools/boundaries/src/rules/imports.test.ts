import { describe, expect, test } from '@jest/globals';
import { fakeWorkspace, summaries } from '../testing/fake-workspace.ts';
import { checkImports } from './imports.ts';

/** @param files of packages/a */
function violationsOf(files: Readonly<Record<string, string>>, manifest?: object) {
  return checkImports(
    fakeWorkspace({
      'packages/a': { files, ...(manifest === undefined ? {} : { manifest }) },
      'packages/b': {},
      'apps/closed': { tags: ['layer:app', 'runtime:node'], manifest: { exports: undefined } },
    }),
  );
}

describe('a declared import', () => {
  test.each([
    ['src/x.ts', 'hono', 'dependencies'],
    ['src/x.ts', 'hono', 'peerDependencies'],
    ['src/x.ts', 'hono', 'optionalDependencies'],
    ['src/x.test.ts', 'hono', 'devDependencies'],
    ['src/testing/x.ts', 'hono', 'devDependencies'],
    ['src/__histories__/x.histories.ts', 'hono', 'devDependencies'],
    ['demo/x.js', 'hono', 'devDependencies'],
    ['scripts/x.js', 'hono', 'devDependencies'],
    ['drizzle.config.js', 'hono', 'devDependencies'],
    ['src/x.bench.ts', 'hono', 'devDependencies'],
    ['src/x.ts', '@fake/b/workflows', 'dependencies'],
  ])('%s may import %s from %s', (path, specifier, section) => {
    const name = specifier.replace('/workflows', '');
    expect(violationsOf({ [path]: `import '${specifier}';` }, { [section]: { [name]: '0.0.0' } })).toEqual(
      [],
    );
  });

  test.each(['@jest/globals', 'fast-check', 'typescript'])('a test may import %s of the root', (name) => {
    expect(violationsOf({ 'src/x.test.ts': `import '${name}';` })).toEqual([]);
  });
});

describe('an import that is refused', () => {
  test.each([
    ['src/x.ts', 'hono', {}, 'hono is not declared'],
    ['src/x.test.ts', 'hono', {}, 'hono is not declared'],
    ['scripts/x.js', 'fast-check', {}, 'fast-check is not declared'],
    ['src/x.ts', 'typescript', {}, 'typescript is not declared'],
    ['src/x.ts', 'hono', { devDependencies: { hono: '4.0.0' } }, 'source imports the dev dependency hono'],
    [
      'src/x.ts',
      '@fake/b/src/index.ts',
      { dependencies: { '@fake/b': '0.0.0' } },
      '@fake/b/src/index.ts is not exported',
    ],
    [
      'src/x.ts',
      '@fake/closed',
      { dependencies: { '@fake/closed': '0.0.0' } },
      '@fake/closed is not exported',
    ],
    ['src/x.ts', '@fake/a/src/x.ts', {}, '@fake/a/src/x.ts is not exported'],
    ['src/x.ts', '../../b/src/index.ts', {}, '../../b/src/index.ts leaves the package'],
    ['src/x.test.ts', '../../../jest.config.js', {}, '../../../jest.config.js leaves the package'],
    ['src/x.ts', './testing/y.ts', {}, 'source imports the test file src/testing/y.ts'],
    ['src/x.ts', '../scripts/z.js', {}, 'source imports the dev file scripts/z.js'],
    ['src/x.ts', '#x', {}, 'imports #x, neither a package nor a relative path'],
    ['src/x.ts', '/opt/x.js', {}, 'imports /opt/x.js, neither a package nor a relative path'],
  ])('%s: %s', (path, specifier, manifest, problem) => {
    const files = {
      'src/testing/y.ts': '',
      'scripts/z.js': '',
      [path]: `\n\nimport type { A } from '${specifier}';`,
    };
    expect(summaries(violationsOf(files, manifest))).toEqual([`packages/a/${path}:3 ${problem}`]);
  });
});

test('what to do names the package.json and the section', () => {
  const [violation] = violationsOf({ 'src/x.ts': "import 'hono';" });
  expect(violation?.fix).toBe('add it to dependencies of packages/a/package.json');
});
