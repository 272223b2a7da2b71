const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.-]+)?$/;

/** Says whether a version names one release; `npm:name@1.2.3` does. */
export function isExactVersion(version: string) {
  return EXACT.test(version);
}

/** Every copy of the packages whose name fits, as the lockfile has them. */
export function lockedCopies(
  lock: { packages: Record<string, { version?: string }> },
  isWanted: (name: string) => boolean,
): readonly { name: string; path: string; version: string | undefined }[] {
  return Object.entries(lock.packages).flatMap(([path, { version }]) => {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    return name !== undefined && isWanted(name) ? [{ name, path, version }] : [];
  });
}

/**
 * The entries of a lockfile that name the host they came from; a link inside the workspace is no host.
 */
export function entriesWithHost(lock: {
  packages: Record<string, { resolved?: string }>;
}): readonly string[] {
  return Object.entries(lock.packages).flatMap(([path, { resolved }]) =>
    resolved !== undefined && /^[a-z+]+:/i.test(resolved) ? [path] : [],
  );
}
