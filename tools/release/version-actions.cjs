const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { posix } = require('node:path');
const { VersionActions } = require('nx/release');
const { alignLock, alignVersions } = require('./src/align-versions.cjs');

const GROUPS = ['packages', 'apps', 'tools'];

/** Versions of npm packages for `nx release`, without the plugin that would bring a second Nx along. */
class PackageVersionActions extends VersionActions {
  validManifestFilenames = ['package.json'];

  /** @param {import('nx/src/devkit-exports').Tree} tree */
  async readCurrentVersionFromSourceManifest(tree) {
    const manifestPath = posix.join(this.projectGraphNode.data.root, 'package.json');
    return { currentVersion: readTree(tree, manifestPath).version, manifestPath };
  }

  /** @returns {Promise<null>} versions come from git tags */
  async readCurrentVersionFromRegistry() {
    return null;
  }

  /**
   * @param {import('nx/src/devkit-exports').Tree} tree
   * @param {import('nx/src/devkit-exports').ProjectGraph} graph
   * @param {string} dependency name of a project
   */
  async readCurrentVersionOfDependency(tree, graph, dependency) {
    const manifest = readTree(tree, posix.join(this.projectGraphNode.data.root, 'package.json'));
    const name = packageName(graph, dependency);
    const dependencyCollection =
      ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'].find(
        (section) => manifest[section]?.[name] !== undefined,
      ) ?? null;
    const currentVersion = dependencyCollection === null ? null : manifest[dependencyCollection][name];
    return { currentVersion, dependencyCollection };
  }

  /**
   * @param {import('nx/src/devkit-exports').Tree} tree
   * @param {string} version
   */
  async updateProjectVersion(tree, version) {
    return this.manifestsToUpdate.map(({ manifestPath }) => {
      writeTree(tree, manifestPath, { ...readTree(tree, manifestPath), version });
      return `wrote version ${version} to ${manifestPath}`;
    });
  }

  /**
   * @param {import('nx/src/devkit-exports').Tree} tree
   * @param {import('nx/src/devkit-exports').ProjectGraph} graph
   * @param {Record<string, string>} dependencies versions by project
   */
  async updateProjectDependencies(tree, graph, dependencies) {
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
 * @param {string} root
 * @param {{ dryRun?: boolean }} options
 * @returns {Promise<{ changedFiles: string[], deletedFiles: string[] }>}
 */
async function afterAllProjectsVersioned(root, { dryRun = false }) {
  if (dryRun) return { changedFiles: [], deletedFiles: [] };
  const folders = GROUPS.flatMap((group) =>
    readdirSync(posix.join(root, group)).map((name) => `${group}/${name}`),
  );
  const manifests = folders.flatMap((folder) => {
    const manifest = readFile(posix.join(root, folder, 'package.json'));
    return manifest === undefined ? [] : [{ folder, manifest }];
  });
  const released = manifests.filter(({ folder }) => folder.startsWith('packages/'));
  const versions = Object.fromEntries(released.map(({ manifest }) => [manifest.name, manifest.version]));
  const names = new Map(manifests.map(({ folder, manifest }) => [folder, manifest.name]));
  const changes = [
    ...manifests.map(({ folder, manifest }) => ({
      file: `${folder}/package.json`,
      before: manifest,
      after: alignVersions(manifest, versions),
    })),
    ...[readFile(posix.join(root, 'package-lock.json'))].map((lock) => ({
      file: 'package-lock.json',
      before: lock,
      after: alignLock(lock, versions, names),
    })),
  ].filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
  for (const { file, after } of changes) writeFileSync(posix.join(root, file), toJson(after));
  return { changedFiles: changes.map(({ file }) => file), deletedFiles: [] };
}

/**
 * @param {import('nx/src/devkit-exports').ProjectGraph} graph
 * @param {string} project
 * @returns {string}
 */
function packageName(graph, project) {
  return graph.nodes[project]?.data.metadata?.js?.packageName ?? project;
}

/**
 * @param {import('nx/src/devkit-exports').Tree} tree
 * @param {string} path
 */
function readTree(tree, path) {
  const text = tree.read(path, 'utf-8');
  if (text === null) throw new Error(`${path} is missing`);
  return JSON.parse(text);
}

/**
 * @param {import('nx/src/devkit-exports').Tree} tree
 * @param {string} path
 * @param {object} manifest
 */
function writeTree(tree, path, manifest) {
  tree.write(path, toJson(manifest));
}

/** @param {string} path */
function readFile(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {object} value */
function toJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

module.exports = { default: PackageVersionActions, afterAllProjectsVersioned };
