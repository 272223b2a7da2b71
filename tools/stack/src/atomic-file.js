import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file so that a reader, also after a crash, sees either the old or the new content.
 * @param {string} path
 * @param {string} content
 * @param {number} [mode] default 0o600
 */
export function writeFileAtomically(path, content, mode = 0o600) {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, content, { mode });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Reads a JSON file; `undefined` when it is missing or not JSON.
 * @param {string} path
 * @returns {unknown}
 */
export function readJsonFile(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
