import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from './atomic-file.ts';
import { systemCodeOf } from './errors.ts';

/**
 * Gives a function that returns the secret of a name: 32 random bytes in base64url, made once and kept in a file
 * that only its owner can read.
 */
export function openSecrets(directory: string): (name: string) => string {
  const folder = join(directory, 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return (name) => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
      throw new TypeError(`not a name for a secret: ${JSON.stringify(name)}`);
    const path = join(folder, name);
    try {
      const kept = readFileSync(path, 'utf8').trim();
      if (kept !== '') return kept;
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
    const secret = randomBytes(32).toString('base64url');
    writeFileAtomically(path, `${secret}\n`);
    return secret;
  };
}
