import { posix } from 'node:path';
import { DEV_FILES, TEST_FILES } from './policy.ts';
import { type ImportSite, scanImports } from './scan-imports.ts';

/** `source` is what the package ships; `test` and `dev` files run in Node on a developer's machine. */
type Place = 'source' | 'test' | 'dev';

export interface SourceFile {
  /** Relative to the workspace. */
  readonly path: string;
  readonly place: Place;
  readonly imports: readonly ImportSite[];
}

interface Manifest {
  readonly name?: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly files?: readonly string[];
  readonly exports?: string | Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly nx?: { tags?: readonly string[]; targets?: Readonly<Record<string, unknown>> };
}

export interface Project {
  /** As in package.json. */
  readonly name: string;
  /** Without the scope. */
  readonly shortName: string;
  /** Such as `packages/query`. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly manifestText: string;
  /** Every file of the project, relative to its folder. */
  readonly paths: readonly string[];
  /** By path. */
  readonly files: ReadonlyMap<string, SourceFile>;
  /** The text of tsconfig.isolate.json. */
  readonly isolateConfig: string | undefined;
}

export type GraphEdge = { readonly source: string; readonly target: string };

export interface Workspace {
  /** The export condition under which packages show their sources. */
  readonly sourceCondition: string;
  /** By name. */
  readonly projects: ReadonlyMap<string, Project>;
  /** What Nx knows. */
  readonly graphEdges: readonly GraphEdge[];
}

const SOURCE_FILE = /\.[cm]?[jt]sx?$/;

/** Says whether the text of a file is needed; of all others only the existence counts. */
export function isTextNeeded(path: string) {
  return SOURCE_FILE.test(path) || /(?:^|\/)(?:package|tsconfig\.isolate)\.json$/.test(path);
}

/**
 * Makes the workspace out of its files. Projects are the folders that the root's `workspaces` (`folder/*`) name.
 * @param texts by path relative to the workspace
 */
export function createWorkspace(
  texts: ReadonlyMap<string, string>,
  graphEdges: readonly GraphEdge[] = [],
): Workspace {
  const root = JSON.parse(texts.get('package.json') ?? '{}');

  const globs: readonly string[] = root.workspaces ?? [];
  const groups = new Set(globs.map((glob) => glob.replace(/\/\*$/, '')));

  const projects = new Map<string, Project>();
  for (const [path, text] of texts) {
    const [group = '', name = '', file, ...rest] = path.split('/');
    if (file !== 'package.json' || rest.length > 0 || !groups.has(group)) continue;
    const project = createProject(`${group}/${name}`, text, texts);
    projects.set(project.name, project);
  }
  return { sourceCondition: root.name ?? '', projects, graphEdges };
}

function createProject(folder: string, manifestText: string, texts: ReadonlyMap<string, string>): Project {
  const manifest: Manifest = JSON.parse(manifestText);
  const name = manifest.name ?? folder;
  const paths = [...texts.keys()]
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1));
  const files = new Map<string, SourceFile>();
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

/** @param inside relative to the project */
function placeOf(inside: string): Place {
  if (TEST_FILES.some((pattern) => pattern.test(inside))) return 'test';
  return DEV_FILES.some((pattern) => pattern.test(inside)) ? 'dev' : 'source';
}

/** The values of all tags of an axis: `['domain']` of `layer:domain`. */
export function tagsOf(project: Project, axis: 'layer' | 'runtime'): readonly string[] {
  return (project.manifest.nx?.tags ?? [])
    .filter((tag) => tag.startsWith(`${axis}:`))
    .map((tag) => tag.slice(axis.length + 1));
}

/** Where a relative import leads, as a path relative to the workspace. */
export function resolveRelative(file: SourceFile, specifier: string) {
  return posix.join(posix.dirname(file.path), specifier);
}

/** The project whose folder holds a path. */
export function projectAt(workspace: Workspace, path: string): Project | undefined {
  return [...workspace.projects.values()].find(({ folder }) => path.startsWith(`${folder}/`));
}

/** The path of a project's package.json. */
export function manifestPath(project: Project) {
  return `${project.folder}/package.json`;
}

/** The line of a key in package.json, from 1; the first line where there is none. */
export function manifestLine(project: Project, key: string) {
  const lines = project.manifestText.split('\n');
  return Math.max(1, lines.findIndex((line) => line.includes(`${JSON.stringify(key)}:`)) + 1);
}
