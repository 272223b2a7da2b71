import { describe, expect, test } from '@jest/globals';
import { collectEdges } from '../edges.ts';
import { fakeWorkspace, summaries } from '../testing/fake-workspace.ts';
import { checkRuntime } from './runtime.ts';

const OTHERS = {
  'packages/pure': { tags: ['layer:foundation', 'runtime:isolate'] },
  'packages/sided': { tags: ['layer:foundation', 'runtime:both'] },
  'packages/server': { tags: ['layer:foundation', 'runtime:node'] },
  // Its `.` is Node code: tsconfig.isolate.json leaves it out.
  'packages/half': {
    tags: ['layer:foundation', 'runtime:both'],
    files: { 'tsconfig.isolate.json': '{ "include": ["src/workflows"] } // as the worker package' },
  },
  'packages/timed': {
    tags: ['layer:foundation', 'runtime:both'],
    manifest: {
      exports: {
        './policies': { '@fake/source': './src/policies/index.ts' },
        './other': { '@fake/source': './src/other/index.ts' },
      },
    },
    files: {
      'tsconfig.isolate.json': '{ "include": ["src/policies", "src/other"] }',
      'src/policies/index.ts': '',
      'src/other/index.ts': '',
    },
  },
};

/** @param files of packages/flow */
function violationsOf(
  files: Readonly<Record<string, string>>,
  { runtime = 'both', manifest = {} }: { runtime?: string; manifest?: object } = {},
) {
  const workspace = fakeWorkspace({
    ...OTHERS,
    'packages/flow': { tags: ['layer:domain', `runtime:${runtime}`], files, manifest },
  });
  return checkRuntime(workspace, collectEdges(workspace));
}

describe('an isolate file may import', () => {
  test.each([
    '@temporalio/workflow',
    '@temporalio/common',
    '@temporalio/common/lib/time.js',
    'valibot',
    '@fake/pure',
    '@fake/sided',
    '@fake/sided/workflows',
    '@fake/half/workflows',
    '@fake/timed/policies',
    './contract.ts',
  ])('%s', (specifier) => {
    expect(
      violationsOf({ 'src/index.ts': `import type { A } from '${specifier}';`, 'src/contract.ts': '' }),
    ).toEqual([]);
  });
});

describe('an isolate file may not import, not even a type', () => {
  test.each([
    ['node:fs', 'imports node:fs, a Node built-in'],
    ['crypto', 'imports crypto, a Node built-in'],
    ['@temporalio/activity', 'imports @temporalio/activity'],
    ['@temporalio/client', 'imports @temporalio/client'],
    ['@temporalio/workflow/lib/internals.js', 'imports @temporalio/workflow/lib/internals.js'],
    ['pino', 'imports pino'],
    ['@fake/server', 'imports @fake/server, a node package'],
    ['@fake/sided/node', 'imports @fake/sided/node, an entry with Node code'],
    ['@fake/half', 'imports @fake/half, an entry with Node code'],
    ['@fake/timed/other', 'imports @fake/timed/other, an entry with Node code'],
    ['@fake/flow/node', 'imports @fake/flow/node, an entry with Node code'],
  ])('%s', (specifier, problem) => {
    expect(
      summaries(violationsOf({ 'src/workflows/a.ts': `\nimport type { A } from '${specifier}';` })),
    ).toEqual([`packages/flow/src/workflows/a.ts:2 isolate file ${problem}`]);
  });

  test('a reference to the types of Node', () => {
    expect(summaries(violationsOf({ 'src/contract.ts': '/// <reference types="node" />' }))).toEqual([
      'packages/flow/src/contract.ts:1 isolate file references the types of node',
    ]);
  });
});

test('a file is isolate when an isolate file reaches it, however far away', () => {
  const files = {
    'src/workflows/a.ts': "export { b } from '../b.ts';",
    'src/b.ts': "export type { c } from './deep/c.ts';",
    'src/deep/c.ts': "import 'node:os';",
    'src/activities/d.ts': "import 'node:os';",
  };
  expect(summaries(violationsOf(files))).toEqual([
    'packages/flow/src/deep/c.ts:1 isolate file, reached from src/b.ts, imports node:os, a Node built-in',
  ]);
});

test('tests and dev files run in Node', () => {
  expect(
    violationsOf({ 'src/workflows/a.test.ts': "import 'node:fs';", 'scripts/b.js': "import 'node:fs';" }),
  ).toEqual([]);
});

test('all source of an isolate package is isolate, without a list', () => {
  const files = { 'src/anywhere.ts': "import 'node:fs';", 'tsconfig.isolate.json': '{}' };
  expect(summaries(violationsOf(files, { runtime: 'isolate' }))).toEqual([
    'packages/flow/src/anywhere.ts:1 isolate file imports node:fs, a Node built-in',
  ]);
});

test('an isolate package does not depend on a node package, except for tests', () => {
  const dependency = { '@fake/server': '0.0.0' };
  expect(summaries(violationsOf({}, { runtime: 'isolate', manifest: { dependencies: dependency } }))).toEqual(
    ['packages/flow/package.json:36 isolate package flow depends on node package server'],
  );
  expect(violationsOf({}, { runtime: 'isolate', manifest: { devDependencies: dependency } })).toEqual([]);
  expect(violationsOf({}, { runtime: 'both', manifest: { dependencies: dependency } })).toEqual([]);
});

describe('a wire contract, also in the files that are no isolate code,', () => {
  const contract = (specifier: string) => {
    const files = {
      'tsconfig.isolate.json': '{ "include": ["src/index.ts"] }',
      'src/client.ts': `import type { A } from '${specifier}';`,
    };
    const tags = ['layer:contract', 'runtime:both'];
    const workspace = fakeWorkspace({ ...OTHERS, 'packages/wire': { tags, files } });
    return summaries(checkRuntime(workspace, collectEdges(workspace)));
  };

  test.each(['valibot', '@fake/pure', './index.ts'])('may import %s', (specifier) => {
    expect(contract(specifier)).toEqual([]);
  });

  test.each(['node:fs', 'hono', '@temporalio/common'])('may not import %s', (specifier) => {
    expect(contract(specifier)).toEqual([
      `packages/wire/src/client.ts:1 the wire contract imports ${specifier}`,
    ]);
  });
});
