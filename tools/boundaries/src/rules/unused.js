import { parseSpecifier } from '../specifier.js';
import { manifestLine, manifestPath } from '../workspace.js';

/**
 * A declared dependency on a workspace package is imported, by source if it is in `dependencies`. An unused one costs
 * needless builds and test runs, and hides real arrows.
 * @param {import('../workspace.js').Workspace} workspace
 * @returns {readonly import('../violation.js').Violation[]}
 */
export function checkUnused(workspace) {
  return [...workspace.projects.values()].flatMap((project) => {
    const { dependencies = {}, devDependencies = {} } = project.manifest;
    const bySource = importedNames(project, ({ place }) => place === 'source');
    const byAny = importedNames(project, () => true);
    /** @type {(name: string, problem: string, fix: string) => import('../violation.js').Violation} */
    const violation = (name, problem, fix) => ({
      file: manifestPath(project),
      line: manifestLine(project, name),
      rule: 'unused',
      problem,
      fix,
    });
    const isOurs = (/** @type {string} */ name) => workspace.projects.has(name);
    return [
      ...Object.keys(dependencies)
        .filter((name) => isOurs(name) && !bySource.has(name))
        .map((name) =>
          byAny.has(name)
            ? violation(name, `only tests and dev files import ${name}`, 'move it to devDependencies')
            : violation(name, `nothing imports ${name}`, 'remove it from dependencies'),
        ),
      ...Object.keys(devDependencies)
        .filter((name) => isOurs(name) && !byAny.has(name))
        .map((name) => violation(name, `nothing imports ${name}`, 'remove it from devDependencies')),
    ];
  });
}

/**
 * @param {import('../workspace.js').Project} project
 * @param {(file: import('../workspace.js').SourceFile) => boolean} isCounted
 * @returns {ReadonlySet<string>}
 */
function importedNames(project, isCounted) {
  return new Set(
    [...project.files.values()]
      .filter(isCounted)
      .flatMap(({ imports }) => imports.map(({ specifier }) => parseSpecifier(specifier)))
      .flatMap((specifier) => (specifier.kind === 'package' ? [specifier.name] : [])),
  );
}
