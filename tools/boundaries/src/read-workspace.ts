import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IGNORED_FOLDERS } from './policy.ts';
import { type GraphEdge, type Workspace, createWorkspace, isTextNeeded } from './workspace.ts';

/** Reads a workspace from disk. */
export function readWorkspace(root: string, graphEdges: readonly GraphEdge[]): Workspace {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const texts = new Map([['package.json', manifest]]);
  for (const glob of JSON.parse(manifest).workspaces ?? []) {
    for (const path of filesBelow(root, glob.replace(/\/\*$/, '')))
      texts.set(path, isTextNeeded(path) ? readFileSync(join(root, path), 'utf8') : '');
  }
  return createWorkspace(texts, graphEdges);
}

/** @returns paths relative to the root, without what is generated, installed or hidden */
function filesBelow(root: string, folder: string): readonly string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return []; // a group of projects that does not exist yet
  }
  return entries.flatMap((entry) => {
    if (entry.name.startsWith('.') || IGNORED_FOLDERS.has(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(root, path);
    return entry.isFile() ? [path] : [];
  });
}
