import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IGNORED_FOLDERS } from './policy.js';
import { createWorkspace, isTextNeeded } from './workspace.js';

/**
 * Reads a workspace from disk.
 * @param {string} root
 * @param {readonly import('./workspace.js').GraphEdge[]} graphEdges
 * @returns {import('./workspace.js').Workspace}
 */
export function readWorkspace(root, graphEdges) {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const texts = new Map([['package.json', manifest]]);
  for (const glob of JSON.parse(manifest).workspaces ?? []) {
    for (const path of filesBelow(root, glob.replace(/\/\*$/, '')))
      texts.set(path, isTextNeeded(path) ? readFileSync(join(root, path), 'utf8') : '');
  }
  return createWorkspace(texts, graphEdges);
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {readonly string[]} paths relative to the root, without what is generated, installed or hidden
 */
function filesBelow(root, folder) {
  /** @type {import('node:fs').Dirent[]} */
  let entries;
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
