import { createWorkspace } from '../workspace.js';

/**
 * What a test says about a project; the rest is filled in so that no rule complains.
 *
 * @typedef {object} FakeProject
 * @property {readonly string[]} [tags] default `layer:foundation`, `runtime:node`
 * @property {object} [manifest] laid over package.json
 * @property {Readonly<Record<string, string>>} [files] texts by path inside the project, over the usual ones
 * @property {readonly string[]} [without] usual files to leave out
 */

const TARGETS = { build: {}, typecheck: {}, isolate: {}, lint: {}, test: {} };

/**
 * A workspace of the scope `@fake` out of project folders. Every project exports `.`, `./workflows` and `./node`.
 * @param {Readonly<Record<string, FakeProject>>} projects by folder
 * @param {readonly import('../workspace.js').GraphEdge[]} [graphEdges]
 */
export function fakeWorkspace(projects, graphEdges) {
  const root = { name: '@fake/source', workspaces: ['packages/*', 'apps/*', 'tools/*'] };
  const texts = new Map([['package.json', JSON.stringify(root)]]);
  for (const [folder, project] of Object.entries(projects))
    for (const [path, text] of filesOf(folder, project)) texts.set(`${folder}/${path}`, text);
  return createWorkspace(texts, graphEdges);
}

/**
 * @param {string} folder
 * @param {FakeProject} project
 * @returns {readonly (readonly [string, string])[]}
 */
function filesOf(
  folder,
  { tags = ['layer:foundation', 'runtime:node'], manifest = {}, files = {}, without = [] },
) {
  const json = {
    name: `@fake/${folder.split('/')[1]}`,
    license: 'Apache-2.0',
    exports: {
      '.': { '@fake/source': './src/index.ts', default: './dist/index.js' },
      './workflows': { '@fake/source': './src/workflows/index.ts', default: './dist/workflows/index.js' },
      './node': { '@fake/source': './src/node/index.ts', default: './dist/node/index.js' },
      './package.json': './package.json',
    },
    files: ['dist'],
    nx: { tags, targets: TARGETS },
    ...manifest,
  };
  const usual = {
    'package.json': JSON.stringify(json, null, 2),
    'README.md': '',
    'tsconfig.json': '',
    'tsconfig.build.json': '',
    'tsconfig.isolate.json': '{ "include": ["src/index.ts", "src/contract.ts", "src/workflows/**/*.ts"] }',
    'src/index.ts': '',
    'src/workflows/index.ts': '',
    'src/node/index.ts': '',
  };
  return Object.entries({ ...usual, ...files }).filter(([path]) => !without.includes(path));
}

/**
 * The lines a test expects, without their fixes.
 * @param {readonly import('../violation.js').Violation[]} violations
 */
export function summaries(violations) {
  return violations.map(({ file, line, problem }) => `${file}:${line} ${problem}`);
}
