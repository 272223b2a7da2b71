import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { CliError } from './errors.ts';
import { systemCode } from './replace-file.ts';

/** A new file for a key that is about to be made. */
export interface KeyFile {
  write(key: string): void;
  /** Removes the file again if nothing was written. */
  close(): void;
}

/**
 * Creates the file, readable by its owner alone. One that exists already is left as it is.
 *
 * @throws {CliError} CLI_FILE_FAILED
 */
export function reserveKeyFile(file: string): KeyFile {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    throw new CliError('CLI_FILE_FAILED', `${file} cannot be created${systemCode(error)}`, { cause: error });
  }
  let isWritten = false;
  return {
    write: (key) => {
      try {
        writeFileSync(descriptor, `${key}\n`);
        fsyncSync(descriptor);
        isWritten = true;
      } catch (error) {
        throw new CliError(
          'CLI_FILE_FAILED',
          `the key was created, but ${file} cannot be written${systemCode(error)}; revoke it and create another one`,
          { cause: error },
        );
      }
    },
    close: () => {
      closeSync(descriptor);
      if (!isWritten) rmSync(file, { force: true });
    },
  };
}
