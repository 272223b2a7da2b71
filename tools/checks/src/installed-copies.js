import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ readonly name: string, readonly version: string, readonly path: string }} InstalledCopy
 */

/**
 * Every copy on disk of the packages whose name fits, also those nested in other packages. Links are not followed.
 * @param {string} folder that has a node_modules
 * @param {(name: string) => boolean} isWanted
 * @returns {readonly InstalledCopy[]}
 */
export function installedCopies(folder, isWanted) {
  return packageFolders(join(folder, 'node_modules')).flatMap(({ name, path }) => {
    const nested = installedCopies(path, isWanted);
    if (!isWanted(name)) return nested;
    const { version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return [{ name, version, path }, ...nested];
  });
}

/**
 * @param {string} modules a node_modules folder, which may be missing
 * @returns {readonly { name: string, path: string }[]}
 */
function packageFolders(modules) {
  return foldersIn(modules).flatMap((entry) =>
    entry.startsWith('@')
      ? foldersIn(join(modules, entry)).map((name) => ({
          name: `${entry}/${name}`,
          path: join(modules, entry, name),
        }))
      : [{ name: entry, path: join(modules, entry) }],
  );
}

/** @param {string} path */
function foldersIn(path) {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}
