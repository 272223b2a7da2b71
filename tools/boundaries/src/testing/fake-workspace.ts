import { type GraphEdge, createWorkspace } from '../workspace.ts';
import type { Violation } from '../violation.ts';

/** What a test says about a project; the rest is filled in so that no rule complains. */
export interface FakeProject {
  /** Default `layer:foundation`, `runtime:node`. */
  readonly tags?: readonly string[];
  /** Laid over package.json. */
  readonly manifest?: object;
  /** Texts by path inside the project, over the usual ones. */
  readonly files?: Readonly<Record<string, string>>;
  /** Usual files to leave out. */
  readonly without?: readonly string[];
}

const TARGETS = { build: {}, typecheck: {}, isolate: {}, lint: {}, test: {} };

/**
 * A workspace of the scope `@fake` out of project folders. Every project exports `.`, `./workflows` and `./node`.
 * @param projects by folder
 */
export function fakeWorkspace(
  projects: Readonly<Record<string, FakeProject>>,
  graphEdges?: readonly GraphEdge[],
) {
  const root = { name: '@fake/source', workspaces: ['packages/*', 'apps/*', 'tools/*'] };
  const texts = new Map([['package.json', JSON.stringify(root)]]);
  for (const [folder, project] of Object.entries(projects))
    for (const [path, text] of filesOf(folder, project)) texts.set(`${folder}/${path}`, text);
  return createWorkspace(texts, graphEdges);
}

function filesOf(
  folder: string,
  { tags = ['layer:foundation', 'runtime:node'], manifest = {}, files = {}, without = [] }: FakeProject,
): readonly (readonly [string, string])[] {
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

/** The lines a test expects, without their fixes. */
export function summaries(violations: readonly Violation[]) {
  return violations.map(({ file, line, problem }) => `${file}:${line} ${problem}`);
}
