import { parseSpecifier } from '../specifier.ts';
import { type Project, type SourceFile, type Workspace, manifestLine, manifestPath } from '../workspace.ts';
import type { Violation } from '../violation.ts';

/**
 * A declared dependency on a workspace package is imported, by source if it is in `dependencies`. An unused one costs
 * needless builds and test runs, and hides real arrows.
 */
export function checkUnused(workspace: Workspace): readonly Violation[] {
  return [...workspace.projects.values()].flatMap((project) => {
    const { dependencies = {}, devDependencies = {} } = project.manifest;
    const bySource = importedNames(project, ({ place }) => place === 'source');
    const byAny = importedNames(project, () => true);

    const violation: (name: string, problem: string, fix: string) => Violation = (
      name,
      problem,
      fix,
    ): Violation => ({
      file: manifestPath(project),
      line: manifestLine(project, name),
      rule: 'unused',
      problem,
      fix,
    });
    const isOurs = (name: string) => workspace.projects.has(name);
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

function importedNames(project: Project, isCounted: (file: SourceFile) => boolean): ReadonlySet<string> {
  return new Set(
    [...project.files.values()]
      .filter(isCounted)
      .flatMap(({ imports }) => imports.map(({ specifier }) => parseSpecifier(specifier)))
      .flatMap((specifier) => (specifier.kind === 'package' ? [specifier.name] : [])),
  );
}
