import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from './errors.ts';

/**
 * Replaces a file as a whole: a crash leaves the old one or the new one. Mode and owner stay, or nothing changes; a new file is
 * its owner's alone. Of a link, the file that it leads to is replaced.
 *
 * @throws {CliError} CLI_FILE_FAILED
 */
export function replaceFile(file: string, text: string): void {
  let draft: string | null = null;
  try {
    const before = statSync(file, { throwIfNoEntry: false });
    const target = before === undefined ? file : realpathSync(file);
    draft = `${target}.${process.pid}.new`;
    writeDurably(draft, text, before);
    renameSync(draft, target);
    const folder = openSync(dirname(target), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    if (draft !== null) rmSync(draft, { force: true });
    throw new CliError('CLI_FILE_FAILED', `${file} cannot be written${systemCode(error)}`, { cause: error });
  }
}

function writeDurably(file: string, text: string, like: Stats | undefined): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    if (like !== undefined) {
      const { uid, gid } = fstatSync(descriptor);
      // The owner first: to give a file away resets bits of its mode.
      if (uid !== like.uid || gid !== like.gid) fchownSync(descriptor, like.uid, like.gid);
      // After the umask of this process, which would narrow it.
      fchmodSync(descriptor, like.mode & 0o777);
    }
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The system's word for a failure, such as ` (ENOENT)`; nothing where there is none. */
export function systemCode(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
