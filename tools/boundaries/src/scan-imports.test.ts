import { expect, test } from '@jest/globals';
import { scanImports } from './scan-imports.ts';

test.each([
  ['value', "import a from 'a';"],
  ['side effect', "import 'a';"],
  ['type', "import type { A } from 'a';"],
  ['type beside values', "import { type A } from 'a';"],
  ['re-export', "export { a } from 'a';"],
  ['re-export of everything', "export * from 'a';"],
  ['re-export of a type', "export type { A } from 'a';"],
  ['dynamic', "const a = await import('a');"],
  ['template without holes', 'const a = await import(`a`);'],
  ['import type expression', "let a: import('a').A;"],
  ['typeof import', "let a: typeof import('a');"],
  ['import equals', "import a = require('a');"],
  ['require', "const a = require('a');"],
  ['require.resolve', "const a = require.resolve('a');"],
  ['import.meta.resolve', "const a = import.meta.resolve('a');"],
  ['augmentation', "declare module 'a' {}"],
])('%s', (_, text) => {
  expect(scanImports('src/x.ts', `// a comment\n${text}\n`)).toEqual([
    { specifier: 'a', line: 2, kind: 'import' },
  ]);
});

test.each([
  ["/** @type {import('a').A} */\nlet a;"],
  ["/** @import { A } from 'a' */\nlet a;"],
  ["/**\n * @typedef {import('a').A} A\n */"],
  ["function f() {\n  /** @param {import('a').A} a */\n  const g = (a) => a;\n}"],
])('JSDoc of JavaScript: %j', (text) => {
  expect(scanImports('src/x.js', text).map(({ specifier }) => specifier)).toEqual(['a']);
});

test('comments of TypeScript, strings and computed names are no imports', () => {
  const text =
    "/** @type {import('a').A} */\nconst b = \"import 'b'\";\nconst c = await import(b);\nresolve('d');\n";
  expect(scanImports('src/x.ts', text)).toEqual([]);
});

test('a reference to types is found with its line', () => {
  expect(scanImports('src/x.ts', '\n/// <reference types="node" />\nexport {};\n')).toEqual([
    { specifier: 'node', line: 2, kind: 'types-reference' },
  ]);
});
