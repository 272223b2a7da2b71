import { expect, test } from '@jest/globals';
import { findUncachedDocuments } from './test-documents.ts';

const readsOwn = "readFileSync(new URL('../README.md', import.meta.url))";
const readsDocs = "readFileSync(new URL('../../../docs/a.md', import.meta.url))";

test.each<[string, string, readonly string[], readonly string[]]>([
  ['packages/x/src/a.test.ts', readsOwn, [], ['test {projectRoot}/README.md']],
  ['packages/x/src/a.test.ts', readsOwn, ['default', '{projectRoot}/README.md'], []],
  ['packages/x/src/a.it.test.ts', readsDocs, ['default'], ['it {workspaceRoot}/docs/a.md']],
  ['packages/x/src/a.it.test.ts', readsDocs, ['{workspaceRoot}/docs/a.md'], []],
  ['tools/x/src/a.test.ts', readsDocs, ['{workspaceRoot}/**/*'], []],
  ['packages/x/src/a.test.ts', "new URL('./a.json', import.meta.url)", [], []],
])('%s with %s and the inputs %j', (file, text, inputs, expected) => {
  const found = findUncachedDocuments(file, text, () => inputs);
  expect(found.map(({ target, input }) => `${target} ${input}`)).toEqual(expected);
});
