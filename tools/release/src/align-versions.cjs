/**
 * @typedef {object} Manifest
 * @property {string} [name]
 * @property {string} [version]
 * @property {unknown} [resolved]
 * @property {unknown} [link]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 */

const SECTIONS = /** @type {const} */ ([
  'dependencies',
  'devDependencies',
  'peerDependencies',
  'optionalDependencies',
]);

/**
 * Gives a manifest, or its entry in the lockfile, the versions of released packages. What was not released stays.
 * @template {Manifest} T
 * @param {T} manifest
 * @param {Readonly<Record<string, string>>} versions by package name
 * @returns {T}
 */
function alignVersions(manifest, versions) {
  const aligned = { ...manifest };
  for (const section of SECTIONS) {
    const before = manifest[section];
    if (before === undefined) continue;
    aligned[section] = Object.fromEntries(
      Object.entries(before).map(([name, version]) => [name, versions[name] ?? version]),
    );
  }
  return aligned;
}

/**
 * Gives the workspace entries of a lockfile the same versions as their manifests, without asking a registry.
 * @template {{ packages: Record<string, Manifest> }} T
 * @param {T} lock
 * @param {Readonly<Record<string, string>>} versions by package name
 * @param {ReadonlyMap<string, string>} names of the workspace's packages by folder
 * @returns {T}
 */
function alignLock(lock, versions, names) {
  const packages = Object.entries(lock.packages).map(([path, entry]) => {
    const name = names.get(path);
    if (name === undefined) return [path, entry];
    const version = versions[name] ?? entry.version;
    return [path, alignVersions(version === undefined ? entry : { ...entry, version }, versions)];
  });
  return { ...lock, packages: Object.fromEntries(packages) };
}

module.exports = { alignLock, alignVersions };
