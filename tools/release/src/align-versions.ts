/** A package.json, or its entry in the lockfile. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: unknown;
  readonly link?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A lockfile, of which only the packages matter here. */
export interface Lock {
  readonly packages: Readonly<Record<string, Manifest>>;
}

const SECTIONS = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'] as const;

/**
 * Gives a manifest, or its entry in the lockfile, the versions of released packages. What was not released stays.
 * @param versions by package name
 */
export function alignVersions<T extends Manifest>(
  manifest: T,
  versions: Readonly<Record<string, string>>,
): T {
  const aligned = SECTIONS.flatMap((section) => {
    const before = manifest[section];
    if (before === undefined) return [];
    const after = Object.entries(before).map(([name, version]) => [name, versions[name] ?? version]);
    return [[section, Object.fromEntries(after)]];
  });
  return { ...manifest, ...Object.fromEntries(aligned) };
}

/**
 * Gives the workspace entries of a lockfile the same versions as their manifests, without asking a registry.
 * @param versions by package name
 * @param names of the workspace's packages by folder
 */
export function alignLock<T extends Lock>(
  lock: T,
  versions: Readonly<Record<string, string>>,
  names: ReadonlyMap<string, string>,
): T {
  const packages = Object.entries(lock.packages).map(([path, entry]) => {
    const name = names.get(path);
    if (name === undefined) return [path, entry];
    const version = versions[name] ?? entry.version;
    return [path, alignVersions(version === undefined ? entry : { ...entry, version }, versions)];
  });
  return { ...lock, packages: Object.fromEntries(packages) };
}
