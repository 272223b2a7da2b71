import { expect, test } from '@jest/globals';
import { collectEdges } from '../edges.ts';
import { fakeWorkspace } from '../testing/fake-workspace.ts';
import { checkCycles } from './cycles.ts';

/** @param arrows such as `{ a: 'b c' }`; a name in brackets is a dev dependency */
function cyclesOf(
  arrows: Readonly<Record<string, string>>,
  tools: readonly string[] = [],
): readonly string[] {
  const projects = Object.entries(arrows).map(([name, targets]) => {
    const words = targets.split(' ').filter((word) => word !== '');
    const section = (dev: boolean) =>
      Object.fromEntries(
        words
          .filter((word) => word.startsWith('[') === dev)
          .map((word) => [`@fake/${word.replaceAll(/[[\]]/g, '')}`, '0.0.0']),
      );
    const layer = tools.includes(name) ? 'tooling' : 'domain';
    return [
      `packages/${name}`,
      {
        tags: [`layer:${layer}`, 'runtime:node'],
        manifest: { dependencies: section(false), devDependencies: section(true) },
      },
    ];
  });
  return checkCycles(collectEdges(fakeWorkspace(Object.fromEntries(projects)))).map(({ problem }) => problem);
}

test.each([
  [{ a: 'b', b: 'c', c: '' }, []],
  [{ a: 'b c', b: 'd', c: 'd', d: '' }, []],
  [{ a: 'b', b: 'a' }, ['cycle a → b → a']],
  [{ a: 'b', b: 'c d', c: 'a', d: 'c' }, ['cycle a → b → c → a']],
  [{ z: 'a', a: 'b', b: 'a', c: 'd', d: 'c' }, ['cycle a → b → a', 'cycle c → d → c']],
  [{ a: '[b]', b: 'a' }, ['cycle a → b → a']],
])('%j', (arrows, expected) => {
  expect(cyclesOf(arrows)).toEqual(expected);
});

test('a dev dependency on tooling closes no cycle', () => {
  expect(cyclesOf({ a: '[kit]', kit: 'a' }, ['kit'])).toEqual([]);
});

test('a cycle is found in imports that nobody declared, at the import', () => {
  const workspace = fakeWorkspace({
    'packages/a': { files: { 'src/x.ts': "\nimport '@fake/b';" } },
    'packages/b': { files: { 'src/y.ts': "import '../../a/src/x.ts';" } },
  });
  expect(checkCycles(collectEdges(workspace))).toMatchObject([
    { file: 'packages/a/src/x.ts', line: 2, problem: 'cycle a → b → a' },
  ]);
});
