import { posix } from 'node:path';
import type { Project, Workspace } from './workspace.ts';

/** Says whether a package exports an entry, `.` or `./…`; patterns with `*` count. */
export function hasEntry(project: Project, entry: string) {
  return exportOf(project, entry) !== undefined;
}

/** The entries of a package as one list for messages. */
export function entriesOf(project: Project): readonly string[] {
  const map = project.manifest.exports;
  if (map === undefined) return [];
  return typeof map === 'string' ? ['.'] : Object.keys(map);
}

/**
 * The source file behind an entry, relative to the workspace; undefined for an entry that is no source.
 */
export function entrySource(workspace: Workspace, project: Project, entry: string): string | undefined {
  const found = exportOf(project, entry);
  const conditions = typeof found?.value === 'object' && found.value !== null ? found.value : {};
  const source = Object.entries(conditions).find(
    ([condition]) => condition === workspace.sourceCondition,
  )?.[1];
  return typeof source === 'string'
    ? posix.join(project.folder, source.replace('*', found?.star ?? ''))
    : undefined;
}

function exportOf(project: Project, entry: string): { value: unknown; star: string } | undefined {
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
