const EXACT = /^(?:npm:(?:@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(?:-[\w.-]+)?$/;

/**
 * Says whether a version names one release; `npm:name@1.2.3` does.
 * @param {string} version
 */
export function isExactVersion(version) {
  return EXACT.test(version);
}

/**
 * Every copy of the packages whose name fits, as the lockfile has them.
 * @param {{ packages: Record<string, { version?: string }> }} lock
 * @param {(name: string) => boolean} isWanted
 * @returns {readonly { name: string, path: string, version: string | undefined }[]}
 */
export function lockedCopies(lock, isWanted) {
  return Object.entries(lock.packages).flatMap(([path, { version }]) => {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    return name !== undefined && isWanted(name) ? [{ name, path, version }] : [];
  });
}

/**
 * The entries of a lockfile that name the host they came from; a link inside the workspace is no host.
 * @param {{ packages: Record<string, { resolved?: string }> }} lock
 * @returns {readonly string[]}
 */
export function entriesWithHost(lock) {
  return Object.entries(lock.packages).flatMap(([path, { resolved }]) =>
    resolved !== undefined && /^[a-z+]+:/i.test(resolved) ? [path] : [],
  );
}
