import { parseSpecifier } from './specifier.ts';
import {
  type Project,
  type SourceFile,
  type Workspace,
  manifestLine,
  manifestPath,
  projectAt,
  resolveRelative,
} from './workspace.ts';

/** One project uses another, at one place. */
export interface Edge {
  readonly source: Project;
  readonly target: Project;
  readonly file: string;
  readonly line: number;
  /** In package.json, in a source file, or by Nx alone. */
  readonly found: 'declared' | 'imported' | 'graph';
  /** A dev dependency, or an import of a test or dev file. */
  readonly dev: boolean;
}

const SECTIONS = ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies'] as const;

/**
 * Every use of a project by another one, from package.json files, imports, and the Nx graph where it knows more.
 */
export function collectEdges(workspace: Workspace): readonly Edge[] {
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

function declaredEdges(workspace: Workspace, source: Project): readonly Edge[] {
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
          found: 'declared' as const,
          dev: section === 'devDependencies',
        },
      ];
    }),
  );
}

function importedEdges(workspace: Workspace, source: Project): readonly Edge[] {
  return [...source.files.values()].flatMap((file) =>
    file.imports.flatMap(({ specifier, line }) => {
      const target = targetOf(workspace, file, specifier);
      if (target === undefined || target === source) return [];
      const found = 'imported';
      return [{ source, target, file: file.path, line, found, dev: file.place !== 'source' }];
    }),
  );
}

function targetOf(workspace: Workspace, file: SourceFile, text: string) {
  const specifier = parseSpecifier(text);
  if (specifier.kind === 'package') return workspace.projects.get(specifier.name);
  return specifier.kind === 'relative' ? projectAt(workspace, resolveRelative(file, text)) : undefined;
}
