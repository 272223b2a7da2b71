import { entriesOf, hasEntry } from '../package-entries.ts';
import { ROOT_TEST_PACKAGES } from '../policy.ts';
import { parseSpecifier } from '../specifier.ts';
import {
  type Project,
  type SourceFile,
  type Workspace,
  manifestPath,
  projectAt,
  resolveRelative,
  tagsOf,
} from '../workspace.ts';
import type { Violation } from '../violation.ts';

type Broken = { problem: string; fix: string };

/**
 * Every import is declared where it is used, goes through the exports of its package, and stays inside its own package
 * when it is relative. Hoisting makes all of that work by accident here and fail elsewhere.
 */
export function checkImports(workspace: Workspace): readonly Violation[] {
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

function brokenImports(
  workspace: Workspace,
  project: Project,
  file: SourceFile,
  text: string,
): readonly Broken[] {
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

function brokenRelative(
  workspace: Workspace,
  project: Project,
  file: SourceFile,
  text: string,
): readonly Broken[] {
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

function undeclared(
  workspace: Workspace,
  project: Project,
  file: SourceFile,
  name: string,
): readonly Broken[] {
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

function isForbiddenTooling(project: Project, target: Project | undefined) {
  if (target === undefined || tagsOf(project, 'layer').includes('tooling')) return false;
  return tagsOf(target, 'layer').includes('tooling');
}

function deep(workspace: Workspace, name: string, entry: string, text: string): readonly Broken[] {
  const target = workspace.projects.get(name);
  if (target === undefined || hasEntry(target, entry)) return [];
  const entries = entriesOf(target).filter((key) => key !== './package.json');
  const fix =
    entries.length === 0
      ? `${manifestPath(target)} has no exports: add an entry for what others may use`
      : `import one of its entries (${entries.join(', ')}) or export it in ${manifestPath(target)}`;
  return [{ problem: `${text} is not exported`, fix }];
}
