import { readFileSync } from 'node:fs';
import type { ChainHead } from '@heliograph/codec-audit';
import { CliError } from './errors.ts';
import { replaceFile, systemCode } from './replace-file.ts';

/**
 * Reads a checkpoint; null for a file that is to be made.
 *
 * @throws {CliError} CLI_USAGE for a file that is none, for one that is missing, and for one that is to be made and exists.
 */
export function readCheckpoint(file: string, isToBeMade: boolean): ChainHead | null {
  const text = contentOf(file);
  if (text === null) {
    if (isToBeMade) return null;
    throw new CliError('CLI_USAGE', `--checkpoint: ${file} does not exist; --init makes it, the first time`);
  }
  if (isToBeMade) throw new CliError('CLI_USAGE', `--init: ${file} exists already; leave --init out`);
  const found = parse(text);
  if (found !== null) return found;
  throw new CliError('CLI_USAGE', `--checkpoint: ${file} is not a checkpoint of the audit log`);
}

/** Replaces a checkpoint by a newer one. A crash leaves the old one or the new one. `@throws {CliError}` CLI_FILE_FAILED */
export function writeCheckpoint(file: string, { sequence, hash }: ChainHead, at: Date): void {
  const checkpoint = { sequence, hash: Buffer.from(hash).toString('hex'), at: at.toISOString() };
  replaceFile(file, `${JSON.stringify(checkpoint)}\n`);
}

function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === ' (ENOENT)') return null;
    throw new CliError('CLI_USAGE', `--checkpoint: the file cannot be read${systemCode(error)}`, {
      cause: error,
    });
  }
}

function parse(text: string): ChainHead | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof found !== 'object' || found === null || !('sequence' in found) || !('hash' in found))
    return null;
  const { sequence, hash } = found;
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) return null;
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return null;
  return { sequence, hash: Buffer.from(hash, 'hex') };
}
