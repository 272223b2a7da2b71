import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CliError } from './errors.ts';

/**
 * Replaces a file as a whole: a crash leaves the old one or the new one. Its mode stays; a new file is its owner's alone.
 *
 * @throws {CliError} CLI_FILE_FAILED
 */
export function replaceFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    writeDurably(draft, text, modeOf(file));
    renameSync(draft, file);
    const folder = openSync(dirname(file), 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new CliError('CLI_FILE_FAILED', `${file} cannot be written${systemCode(error)}`, { cause: error });
  }
}

function writeDurably(file: string, text: string, mode: number): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    // After the umask of this process, which would narrow it.
    fchmodSync(descriptor, mode);
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function modeOf(file: string): number {
  return (statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777;
}

/** The system's word for a failure, such as ` (ENOENT)`; nothing where there is none. */
export function systemCode(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
