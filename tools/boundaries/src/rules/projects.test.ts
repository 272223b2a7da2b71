import { describe, expect, test } from '@jest/globals';
import { type FakeProject, fakeWorkspace } from '../testing/fake-workspace.ts';
import { checkProjects } from './projects.ts';

function problemsOf(project: FakeProject, folder: string = 'packages/a') {
  return checkProjects(fakeWorkspace({ [folder]: project })).map(({ problem }) => problem);
}

describe('tags', () => {
  test.each([
    [['layer:domain', 'runtime:node'], []],
    [['layer:domain'], ['no runtime tag']],
    [[], ['no layer tag', 'no runtime tag']],
    [['layer:domain', 'layer:foundation', 'runtime:node'], ['more than one layer tag']],
    [['layer:cellar', 'runtime:node'], ['unknown tag layer:cellar']],
    [['layer:domain', 'runtime:deno'], ['unknown tag runtime:deno']],
    [['layer:domain', 'runtime:node', 'scope:x'], ['unknown tag scope:x']],
    [['layer:app', 'runtime:node'], ['layer:app in packages/']],
    [['layer:skeleton', 'runtime:node'], []],
    [['layer:skeleton', 'runtime:both'], ['runtime:both in layer:skeleton']],
    [['layer:contract', 'runtime:both'], []],
    [['layer:contract', 'runtime:node'], ['runtime:node in layer:contract']],
  ])('%j', (tags, expected) => {
    expect(problemsOf({ tags })).toEqual(expected);
  });

  test('an app is an app and a tool is a tool', () => {
    expect(problemsOf({ tags: ['layer:domain', 'runtime:node'] }, 'apps/a')).toEqual([
      'layer:domain in apps/',
    ]);
    expect(problemsOf({ tags: ['layer:foundation', 'runtime:node'] }, 'tools/a')).toEqual([
      'layer:foundation in tools/',
    ]);
  });
});

describe('files', () => {
  test.each(['README.md', 'tsconfig.json', 'tsconfig.build.json'])('%s is needed', (file) => {
    expect(problemsOf({ without: [file] })).toEqual([`${file} is missing`]);
  });

  test('the isolate configuration and target are needed where there is isolate code', () => {
    const project = { without: ['tsconfig.isolate.json'] };
    expect(problemsOf(project)).toEqual([]);
    expect(problemsOf({ ...project, tags: ['layer:domain', 'runtime:both'] })).toEqual([
      'tsconfig.isolate.json is missing',
    ]);
    const nx = { tags: ['layer:domain', 'runtime:isolate'], targets: { build: {}, test: {} } };
    expect(problemsOf({ manifest: { nx } })).toEqual(['no isolate target']);
  });
});

describe('package.json', () => {
  const nx = { tags: ['layer:domain', 'runtime:node'] };
  test.each([
    [{ license: undefined }, ['license is missing']],
    [{ license: 'MIT' }, ['license is MIT']],
    [{ files: ['src'] }, ['a published package without "dist" in files']],
    [{ files: undefined, private: true }, []],
    [{ nx: { ...nx, targets: { build: {} } } }, ['neither a test nor an it target']],
    [{ nx: { ...nx, targets: { build: {}, it: {} } } }, []],
  ])('%j', (manifest, expected) => {
    expect(problemsOf({ manifest })).toEqual(expected);
  });
});

test('tools need tags only', () => {
  const without = ['README.md', 'tsconfig.json', 'tsconfig.build.json'];
  expect(problemsOf({ tags: ['layer:tooling', 'runtime:node'], without }, 'tools/a')).toEqual([]);
});
