import { expect, test } from '@jest/globals';
import { graphEdges } from './nx-graph.ts';

const node = (packageName: string) => ({ data: { metadata: { js: { packageName } } } });

test('uses of projects are kept, by package name; npm packages and mere orders are not', () => {
  const graph = {
    nodes: { a: node('@fake/a'), b: node('@fake/b'), c: node('@fake/c') },
    dependencies: {
      a: [
        { source: 'a', target: 'b', type: 'static' },
        { source: 'a', target: 'npm:hono', type: 'static' },
      ],
      b: [{ source: 'b', target: 'c', type: 'implicit' }],
      c: [{ source: 'c', target: 'a', type: 'dynamic' }],
    },
  };
  expect(graphEdges({ graph })).toEqual([
    { source: '@fake/a', target: '@fake/b' },
    { source: '@fake/c', target: '@fake/a' },
  ]);
});
