import { posix } from 'node:path';
import { DEV_FILES, TEST_FILES } from './policy.js';
import { scanImports } from './scan-imports.js';

/**
 * `source` is what the package ships; `test` and `dev` files run in Node on a developer's machine.
 * @typedef {'source' | 'test' | 'dev'} Place
 *
 * @typedef {object} SourceFile
 * @property {string} path relative to the workspace
 * @property {Place} place
 * @property {readonly import('./scan-imports.js').ImportSite[]} imports
 *
 * @typedef {object} Manifest
 * @property {string} [name]
 * @property {boolean} [private]
 * @property {string} [license]
 * @property {readonly string[]} [files]
 * @property {string | Readonly<Record<string, unknown>>} [exports]
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [devDependencies]
 * @property {Readonly<Record<string, string>>} [peerDependencies]
 * @property {Readonly<Record<string, string>>} [optionalDependencies]
 * @property {{ tags?: readonly string[], targets?: Readonly<Record<string, unknown>> }} [nx]
 *
 * @typedef {object} Project
 * @property {string} name as in package.json
 * @property {string} shortName without the scope
 * @property {string} folder such as `packages/query`
 * @property {Manifest} manifest
 * @property {string} manifestText
 * @property {readonly string[]} paths every file of the project, relative to its folder
 * @property {ReadonlyMap<string, SourceFile>} files by path
 * @property {string | undefined} isolateConfig the text of tsconfig.isolate.json
 *
 * @typedef {{ readonly source: string, readonly target: string }} GraphEdge
 *
 * @typedef {object} Workspace
 * @property {string} sourceCondition the export condition under which packages show their sources
 * @property {ReadonlyMap<string, Project>} projects by name
 * @property {readonly GraphEdge[]} graphEdges what Nx knows
 */

const SOURCE_FILE = /\.[cm]?[jt]sx?$/;

/**
 * Says whether the text of a file is needed; of all others only the existence counts.
 * @param {string} path
 */
export function isTextNeeded(path) {
  return SOURCE_FILE.test(path) || /(?:^|\/)(?:package|tsconfig\.isolate)\.json$/.test(path);
}

/**
 * Makes the workspace out of its files. Projects are the folders that the root's `workspaces` (`folder/*`) name.
 * @param {ReadonlyMap<string, string>} texts by path relative to the workspace
 * @param {readonly GraphEdge[]} [graphEdges]
 * @returns {Workspace}
 */
export function createWorkspace(texts, graphEdges = []) {
  const root = JSON.parse(texts.get('package.json') ?? '{}');
  /** @type {readonly string[]} */
  const globs = root.workspaces ?? [];
  const groups = new Set(globs.map((glob) => glob.replace(/\/\*$/, '')));
  /** @type {Map<string, Project>} */
  const projects = new Map();
  for (const [path, text] of texts) {
    const [group = '', name = '', file, ...rest] = path.split('/');
    if (file !== 'package.json' || rest.length > 0 || !groups.has(group)) continue;
    const project = createProject(`${group}/${name}`, text, texts);
    projects.set(project.name, project);
  }
  return { sourceCondition: root.name ?? '', projects, graphEdges };
}

/**
 * @param {string} folder
 * @param {string} manifestText
 * @param {ReadonlyMap<string, string>} texts
 * @returns {Project}
 */
function createProject(folder, manifestText, texts) {
  /** @type {Manifest} */
  const manifest = JSON.parse(manifestText);
  const name = manifest.name ?? folder;
  const paths = [...texts.keys()]
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1));
  /** @type {Map<string, SourceFile>} */
  const files = new Map();
  for (const inside of paths.filter((path) => SOURCE_FILE.test(path))) {
    const path = `${folder}/${inside}`;
    files.set(path, { path, place: placeOf(inside), imports: scanImports(path, texts.get(path) ?? '') });
  }
  return {
    name,
    shortName: name.replace(/^@[^/]+\//, ''),
    folder,
    manifest,
    manifestText,
    paths,
    files,
    isolateConfig: texts.get(`${folder}/tsconfig.isolate.json`),
  };
}

/**
 * @param {string} inside relative to the project
 * @returns {Place}
 */
function placeOf(inside) {
  if (TEST_FILES.some((pattern) => pattern.test(inside))) return 'test';
  return DEV_FILES.some((pattern) => pattern.test(inside)) ? 'dev' : 'source';
}

/**
 * The values of all tags of an axis: `['domain']` of `layer:domain`.
 * @param {Project} project
 * @param {'layer' | 'runtime'} axis
 * @returns {readonly string[]}
 */
export function tagsOf(project, axis) {
  return (project.manifest.nx?.tags ?? [])
    .filter((tag) => tag.startsWith(`${axis}:`))
    .map((tag) => tag.slice(axis.length + 1));
}

/**
 * Where a relative import leads, as a path relative to the workspace.
 * @param {SourceFile} file
 * @param {string} specifier
 */
export function resolveRelative(file, specifier) {
  return posix.join(posix.dirname(file.path), specifier);
}

/**
 * The project whose folder holds a path.
 * @param {Workspace} workspace
 * @param {string} path
 * @returns {Project | undefined}
 */
export function projectAt(workspace, path) {
  return [...workspace.projects.values()].find(({ folder }) => path.startsWith(`${folder}/`));
}

/**
 * The path of a project's package.json.
 * @param {Project} project
 */
export function manifestPath(project) {
  return `${project.folder}/package.json`;
}

/**
 * The line of a key in package.json, from 1; the first line where there is none.
 * @param {Project} project
 * @param {string} key
 */
export function manifestLine(project, key) {
  const lines = project.manifestText.split('\n');
  return Math.max(1, lines.findIndex((line) => line.includes(`${JSON.stringify(key)}:`)) + 1);
}
