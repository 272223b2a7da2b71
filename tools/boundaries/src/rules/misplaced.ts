import { parseSpecifier } from '../specifier.ts';
import type { Violation } from '../violation.ts';
import { type Project, type SourceFile, type Workspace, manifestLine, manifestPath } from '../workspace.ts';

/**
 * A workspace package that only tests and dev files import is no dependency of those who install the package. knip finds
 * what nothing imports at all.
 */
export function checkMisplaced(workspace: Workspace): readonly Violation[] {
  return [...workspace.projects.values()].flatMap((project) => {
    const bySource = importedNames(project, ({ place }) => place === 'source');
    const byOthers = importedNames(project, ({ place }) => place !== 'source');
    return Object.keys(project.manifest.dependencies ?? {})
      .filter((name) => workspace.projects.has(name) && byOthers.has(name) && !bySource.has(name))
      .map((name) => ({
        file: manifestPath(project),
        line: manifestLine(project, name),
        rule: 'misplaced',
        problem: `only tests and dev files import ${name}`,
        fix: 'move it to devDependencies',
      }));
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
