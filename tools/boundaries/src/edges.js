import { parseSpecifier } from './specifier.js';
import { manifestLine, manifestPath, projectAt, resolveRelative } from './workspace.js';

/**
 * One project uses another, at one place.
 *
 * @typedef {object} Edge
 * @property {import('./workspace.js').Project} source
 * @property {import('./workspace.js').Project} target
 * @property {string} file
 * @property {number} line
 * @property {'declared' | 'imported' | 'graph'} found in package.json, in a source file, or by Nx alone
 * @property {boolean} dev a dev dependency, or an import of a test or dev file
 */

const SECTIONS = /** @type {const} */ ([
  'dependencies',
  'peerDependencies',
  'optionalDependencies',
  'devDependencies',
]);

/**
 * Every use of a project by another one, from package.json files, imports, and the Nx graph where it knows more.
 * @param {import('./workspace.js').Workspace} workspace
 * @returns {readonly Edge[]}
 */
export function collectEdges(workspace) {
  const edges = [...workspace.projects.values()].flatMap((source) => [
    ...declaredEdges(workspace, source),
    ...importedEdges(workspace, source),
  ]);
  const known = new Set(edges.map(({ source, target }) => `${source.name} ${target.name}`));
  for (const { source: from, target: to } of workspace.graphEdges) {
    const source = workspace.projects.get(from);
    const target = workspace.projects.get(to);
    if (source === undefined || target === undefined || known.has(`${from} ${to}`)) continue;
    edges.push({ source, target, file: manifestPath(source), line: 1, found: 'graph', dev: false });
  }
  return edges;
}

/**
 * @param {import('./workspace.js').Workspace} workspace
 * @param {import('./workspace.js').Project} source
 * @returns {readonly Edge[]}
 */
function declaredEdges(workspace, source) {
  return SECTIONS.flatMap((section) =>
    Object.keys(source.manifest[section] ?? {}).flatMap((name) => {
      const target = workspace.projects.get(name);
      if (target === undefined) return [];
      return [
        {
          source,
          target,
          file: manifestPath(source),
          line: manifestLine(source, name),
          found: /** @type {const} */ ('declared'),
          dev: section === 'devDependencies',
        },
      ];
    }),
  );
}

/**
 * @param {import('./workspace.js').Workspace} workspace
 * @param {import('./workspace.js').Project} source
 * @returns {readonly Edge[]}
 */
function importedEdges(workspace, source) {
  return [...source.files.values()].flatMap((file) =>
    file.imports.flatMap(({ specifier, line }) => {
      const target = targetOf(workspace, file, specifier);
      if (target === undefined || target === source) return [];
      const found = /** @type {const} */ ('imported');
      return [{ source, target, file: file.path, line, found, dev: file.place !== 'source' }];
    }),
  );
}

/**
 * @param {import('./workspace.js').Workspace} workspace
 * @param {import('./workspace.js').SourceFile} file
 * @param {string} text
 */
function targetOf(workspace, file, text) {
  const specifier = parseSpecifier(text);
  if (specifier.kind === 'package') return workspace.projects.get(specifier.name);
  return specifier.kind === 'relative' ? projectAt(workspace, resolveRelative(file, text)) : undefined;
}
