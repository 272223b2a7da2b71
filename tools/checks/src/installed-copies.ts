import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type InstalledCopy = { readonly name: string; readonly version: string; readonly path: string };

/**
 * Every copy on disk of the packages whose name fits, also those nested in other packages. Links are not followed.
 * @param folder that has a node_modules
 */
export function installedCopies(
  folder: string,
  isWanted: (name: string) => boolean,
): readonly InstalledCopy[] {
  return packageFolders(join(folder, 'node_modules')).flatMap(({ name, path }) => {
    const nested = installedCopies(path, isWanted);
    if (!isWanted(name)) return nested;
    const { version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return [{ name, version, path }, ...nested];
  });
}

/** @param modules a node_modules folder, which may be missing */
function packageFolders(modules: string): readonly { name: string; path: string }[] {
  return foldersIn(modules).flatMap((entry) =>
    entry.startsWith('@')
      ? foldersIn(join(modules, entry)).map((name) => ({
          name: `${entry}/${name}`,
          path: join(modules, entry, name),
        }))
      : [{ name: entry, path: join(modules, entry) }],
  );
}

function foldersIn(path: string) {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}
