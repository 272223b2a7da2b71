import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Replaces a file so that a reader, also after a crash, sees either the old or the new content. */
export function writeFileAtomically(path: string, content: string, mode: number = 0o600): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, content, { mode });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Reads a JSON file; `undefined` when it is missing or not JSON. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
