type LockEntry = {
  version?: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  [key: string]: unknown;
};

type Lockfile = { packages: Record<string, LockEntry>; [key: string]: unknown };

const OS = new Set([
  'darwin',
  'linux',
  'win32',
  'freebsd',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
  'android',
  'openharmony',
]);
const CPU = new Set([
  'x64',
  'arm64',
  'arm',
  'ia32',
  'ppc64',
  's390x',
  'riscv64',
  'loong64',
  'mips64el',
  'wasm32',
]);
/** Words in names that mean one of the above. */
const ALIASES = new Map([
  ['gnueabihf', 'glibc'],
  ['gnu', 'glibc'],
  ['musl', 'musl'],
  ['musleabihf', 'musl'],
  ['windows', 'win32'],
  ['sunos', 'sunos'],
  ['amd64', 'x64'],
]);

/**
 * Names every optional package with an exact version that the lockfile does not hold. A registry that lacks a platform's
 * package makes npm leave it out, and then `npm ci` fails everywhere, even if the package is available.
 */
export function missingOptionalPackages({
  packages,
}: Lockfile): readonly { name: string; version: string }[] {
  const missing = new Map();
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!/^\d/.test(version)) continue;
      if (
        packages[`${path}/node_modules/${name}`] !== undefined ||
        packages[`node_modules/${name}`] !== undefined
      )
        continue;
      missing.set(name, { name, version });
    }
  }
  return [...missing.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Adds an entry for each missing optional package; returns a new lockfile with its packages sorted. */
export function completeLockfile(lock: Lockfile): Lockfile {
  const packages = { ...lock.packages };
  for (const { name, version } of missingOptionalPackages(lock))
    packages[`node_modules/${name}`] = entryOf(name, version);
  const entries = Object.entries(packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(entries) };
}

/** The platform is read out of the name, which is how these packages are named. */
function entryOf(name: string, version: string): LockEntry {
  const words = name.split(/[^a-z0-9]+/).map((word) => ALIASES.get(word) ?? word);
  const os = words.filter((word) => OS.has(word));
  const cpu = words.filter((word) => CPU.has(word));
  const libc = words.filter((word) => word === 'glibc' || word === 'musl');
  return {
    version,
    ...(cpu.length === 0 ? {} : { cpu }),
    ...(os.includes('linux') && libc.length > 0 ? { libc } : {}),
    optional: true,
    ...(os.length === 0 ? {} : { os }),
  };
}
