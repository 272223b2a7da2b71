import { readFile } from 'node:fs/promises';
import { isCodecError } from '@heliograph/codec/codecs';
import { ConfigError } from '@heliograph/service';

/**
 * Says which variable a failure about keys comes from; the messages of codec errors name places and ids, never keys.
 *
 * @throws {ConfigError}
 */
export function refuseKeys(variable: string, error: unknown): never {
  if (isCodecError(error)) throw new ConfigError([{ variable, detail: error.message }]);
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
  if (code === null) throw error;
  throw new ConfigError([{ variable, detail: `the file cannot be read (${code})` }]);
}

/** Reads the file that a variable names. `@throws {ConfigError}` with the variable, not the path. */
export async function readKeyFile(variable: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => refuseKeys(variable, error));
}
