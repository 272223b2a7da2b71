import { posix } from 'node:path';

/**
 * Says whether a package exports an entry, `.` or `./…`; patterns with `*` count.
 * @param {import('./workspace.js').Project} project
 * @param {string} entry
 */
export function hasEntry(project, entry) {
  return exportOf(project, entry) !== undefined;
}

/**
 * The entries of a package as one list for messages.
 * @param {import('./workspace.js').Project} project
 * @returns {readonly string[]}
 */
export function entriesOf(project) {
  const map = project.manifest.exports;
  if (map === undefined) return [];
  return typeof map === 'string' ? ['.'] : Object.keys(map);
}

/**
 * The source file behind an entry, relative to the workspace; undefined for an entry that is no source.
 * @param {import('./workspace.js').Workspace} workspace
 * @param {import('./workspace.js').Project} project
 * @param {string} entry
 * @returns {string | undefined}
 */
export function entrySource(workspace, project, entry) {
  const found = exportOf(project, entry);
  const conditions = typeof found?.value === 'object' && found.value !== null ? found.value : {};
  const source = Object.entries(conditions).find(
    ([condition]) => condition === workspace.sourceCondition,
  )?.[1];
  return typeof source === 'string'
    ? posix.join(project.folder, source.replace('*', found?.star ?? ''))
    : undefined;
}

/**
 * @param {import('./workspace.js').Project} project
 * @param {string} entry
 * @returns {{ value: unknown, star: string } | undefined}
 */
function exportOf(project, entry) {
  const map = project.manifest.exports;
  if (typeof map === 'string') return entry === '.' ? { value: map, star: '' } : undefined;
  for (const [key, value] of Object.entries(map ?? {})) {
    if (key === entry) return { value, star: '' };
    const [before, after] = key.split('*');
    if (before === undefined || after === undefined) continue;
    if (entry.startsWith(before) && entry.endsWith(after) && entry.length > key.length - 1)
      return { value, star: entry.slice(before.length, entry.length - after.length) };
  }
  return undefined;
}
