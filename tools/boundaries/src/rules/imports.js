import { entriesOf, hasEntry } from '../package-entries.js';
import { ROOT_TEST_PACKAGES } from '../policy.js';
import { parseSpecifier } from '../specifier.js';
import { manifestPath, projectAt, resolveRelative, tagsOf } from '../workspace.js';

/**
 * @typedef {import('../workspace.js').Workspace} Workspace
 * @typedef {import('../workspace.js').Project} Project
 * @typedef {import('../workspace.js').SourceFile} SourceFile
 * @typedef {{ problem: string, fix: string }} Broken
 */

/**
 * Every import is declared where it is used, goes through the exports of its package, and stays inside its own package
 * when it is relative. Hoisting makes all of that work by accident here and fail elsewhere.
 * @param {Workspace} workspace
 * @returns {readonly import('../violation.js').Violation[]}
 */
export function checkImports(workspace) {
  return [...workspace.projects.values()].flatMap((project) =>
    [...project.files.values()].flatMap((file) =>
      file.imports
        .filter(({ kind }) => kind === 'import')
        .flatMap(({ specifier, line }) =>
          brokenImports(workspace, project, file, specifier).map((broken) => ({
            file: file.path,
            line,
            rule: 'imports',
            ...broken,
          })),
        ),
    ),
  );
}

/**
 * @param {Workspace} workspace
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} text
 * @returns {readonly Broken[]}
 */
function brokenImports(workspace, project, file, text) {
  const specifier = parseSpecifier(text);
  switch (specifier.kind) {
    case 'builtin':
      return [];
    case 'relative':
      return brokenRelative(workspace, project, file, text);
    case 'package':
      return [
        ...undeclared(workspace, project, file, specifier.name),
        ...deep(workspace, specifier.name, specifier.entry, text),
      ];
    case 'other':
      return [
        { problem: `imports ${text}, neither a package nor a relative path`, fix: 'import by package name' },
      ];
  }
}

/**
 * @param {Workspace} workspace
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} text
 * @returns {readonly Broken[]}
 */
function brokenRelative(workspace, project, file, text) {
  const path = resolveRelative(file, text);
  if (!path.startsWith(`${project.folder}/`)) {
    const target = projectAt(workspace, path);
    const fix =
      target === undefined
        ? 'move the file into the package'
        : `declare ${target.name} in ${manifestPath(project)} and import one of its exports`;
    return [{ problem: `${text} leaves the package`, fix }];
  }
  const place = project.files.get(path)?.place;
  if (file.place === 'source' && (place === 'test' || place === 'dev'))
    return [
      {
        problem: `source imports the ${place} file ${path.slice(project.folder.length + 1)}`,
        fix: 'the build leaves such files out: move what is needed into the source',
      },
    ];
  return [];
}

/**
 * @param {Workspace} workspace
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} name
 * @returns {readonly Broken[]}
 */
function undeclared(workspace, project, file, name) {
  if (name === project.name) return [];
  const {
    dependencies = {},
    peerDependencies = {},
    optionalDependencies = {},
    devDependencies = {},
  } = project.manifest;
  if (name in dependencies || name in peerDependencies || name in optionalDependencies) return [];
  if (name in devDependencies) {
    // Tooling in source is for the rule of layers, with better advice.
    if (file.place !== 'source' || isForbiddenTooling(project, workspace.projects.get(name))) return [];
    const fix = `move it to dependencies of ${manifestPath(project)}`;
    return [{ problem: `source imports the dev dependency ${name}`, fix }];
  }
  if (ROOT_TEST_PACKAGES.includes(name) && file.place === 'test') return [];
  const section = file.place === 'source' ? 'dependencies' : 'devDependencies';
  return [{ problem: `${name} is not declared`, fix: `add it to ${section} of ${manifestPath(project)}` }];
}

/**
 * @param {Project} project
 * @param {Project | undefined} target
 */
function isForbiddenTooling(project, target) {
  if (target === undefined || tagsOf(project, 'layer').includes('tooling')) return false;
  return tagsOf(target, 'layer').includes('tooling');
}

/**
 * @param {Workspace} workspace
 * @param {string} name
 * @param {string} entry
 * @param {string} text
 * @returns {readonly Broken[]}
 */
function deep(workspace, name, entry, text) {
  const target = workspace.projects.get(name);
  if (target === undefined || hasEntry(target, entry)) return [];
  const entries = entriesOf(target).filter((key) => key !== './package.json');
  const fix =
    entries.length === 0
      ? `${manifestPath(target)} has no exports: add an entry for what others may use`
      : `import one of its entries (${entries.join(', ')}) or export it in ${manifestPath(target)}`;
  return [{ problem: `${text} is not exported`, fix }];
}
