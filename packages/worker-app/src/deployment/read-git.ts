import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import type { GitState } from './decide-build-id.ts';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads which commit a folder is checked out from and whether its tracked files differ from it, or others were added.
 * Null where there is no checkout, no commit or no git, or where git does not track `file` of the folder: then it lies in somebody else's
 * checkout, such as in `node_modules`, whose commit says nothing of it. What is in files that git does not track is not part of the hash,
 * only their names are.
 */
export async function readGit(folder: string, file: string): Promise<GitState | null> {
  const git = async (...args: readonly string[]): Promise<string> => {
    const options = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES };
    return (await promisify(execFile)('git', [...args], options)).stdout;
  };
  try {
    await git('ls-files', '--error-unmatch', '--', file);
    const commit = (await git('rev-parse', '--verify', 'HEAD')).trim();
    const status = await git('status', '--porcelain');
    if (status === '') return { commit, changes: null };
    const hash = createHash('sha256').update(status);
    return { commit, changes: hash.update(await git('diff', 'HEAD', '--binary')).digest('hex') };
  } catch {
    return null;
  }
}
