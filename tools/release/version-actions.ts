import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { VersionActions } from 'nx/release';
import type { ProjectGraph, Tree } from 'nx/src/devkit-exports.js';
import { alignLock, alignVersions, type Lock, type Manifest } from './src/align-versions.ts';

type NamedManifest = Manifest & { readonly name: string };

const GROUPS = ['packages', 'apps', 'tools'];

/** Versions of npm packages for `nx release`, without the plugin that would bring a second Nx along. */
export default class PackageVersionActions extends VersionActions {
  override validManifestFilenames = ['package.json'];

  override async readCurrentVersionFromSourceManifest(tree: Tree) {
    const manifestPath = posix.join(this.projectGraphNode.data.root, 'package.json');
    return { currentVersion: readTree(tree, manifestPath).version ?? '0.0.0', manifestPath };
  }

  /** Versions come from git tags. */
  override async readCurrentVersionFromRegistry() {
    return null;
  }

  override async readCurrentVersionOfDependency(tree: Tree, graph: ProjectGraph, dependency: string) {
    const manifest = readTree(tree, posix.join(this.projectGraphNode.data.root, 'package.json'));
    const name = packageName(graph, dependency);
    const dependencyCollection =
      (['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const).find(
        (section) => manifest[section]?.[name] !== undefined,
      ) ?? null;
    const currentVersion =
      dependencyCollection === null ? null : (manifest[dependencyCollection]?.[name] ?? null);
    return { currentVersion, dependencyCollection };
  }

  override async updateProjectVersion(tree: Tree, version: string) {
    return this.manifestsToUpdate.map(({ manifestPath }) => {
      writeTree(tree, manifestPath, { ...readTree(tree, manifestPath), version });
      return `wrote version ${version} to ${manifestPath}`;
    });
  }

  /** @param dependencies versions by project */
  override async updateProjectDependencies(
    tree: Tree,
    graph: ProjectGraph,
    dependencies: Readonly<Record<string, string>>,
  ) {
    const versions = Object.fromEntries(
      Object.entries(dependencies).map(([project, version]) => [packageName(graph, project), version]),
    );
    if (Object.keys(versions).length === 0) return [];
    return this.manifestsToUpdate.map(({ manifestPath }) => {
      writeTree(tree, manifestPath, alignVersions(readTree(tree, manifestPath), versions));
      return `wrote the versions of ${Object.keys(versions).join(', ')} to ${manifestPath}`;
    });
  }
}

/**
 * Apps and tools are private and not released, but they depend on packages by exact version, as the lockfile does:
 * without this, the next `npm ci` would look for the old versions in a registry.
 */
export async function afterAllProjectsVersioned(
  root: string,
  { dryRun = false }: { readonly dryRun?: boolean },
): Promise<{ changedFiles: string[]; deletedFiles: string[] }> {
  if (dryRun) return { changedFiles: [], deletedFiles: [] };
  const folders = GROUPS.flatMap((group) =>
    readdirSync(posix.join(root, group)).map((name) => `${group}/${name}`),
  );
  const manifests = folders.flatMap((folder) => {
    const manifest: NamedManifest | undefined = readFile(posix.join(root, folder, 'package.json'));
    return manifest === undefined ? [] : [{ folder, manifest }];
  });
  const released = manifests.filter(({ folder }) => folder.startsWith('packages/'));
  const versions = Object.fromEntries(
    released.map(({ manifest: { name, version = '0.0.0' } }) => [name, version]),
  );
  const names = new Map(manifests.map(({ folder, manifest }) => [folder, manifest.name]));
  const lock: Lock = readFile(posix.join(root, 'package-lock.json')) ?? { packages: {} };
  const changes = [
    ...manifests.map(({ folder, manifest }) => ({
      file: `${folder}/package.json`,
      before: manifest,
      after: alignVersions(manifest, versions),
    })),
    { file: 'package-lock.json', before: lock, after: alignLock(lock, versions, names) },
  ].filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  for (const { file, after } of changes) writeFileSync(posix.join(root, file), toJson(after));
  return { changedFiles: changes.map(({ file }) => file), deletedFiles: [] };
}

function packageName(graph: ProjectGraph, project: string): string {
  return graph.nodes[project]?.data.metadata?.js?.packageName ?? project;
}

function readTree(tree: Tree, path: string): Manifest {
  const text = tree.read(path, 'utf-8');
  if (text === null) throw new Error(`${path} is missing`);
  return JSON.parse(text);
}

function writeTree(tree: Tree, path: string, manifest: Manifest): void {
  tree.write(path, toJson(manifest));
}

/** The caller says what the JSON is; a file that is not there is undefined. */
function readFile(path: string): any {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
