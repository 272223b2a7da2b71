import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  createReadStream,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { writeFileAtomically } from '../atomic-file.ts';

/** Computes the SHA-256 of a file, in lower-case hexadecimal. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Moves a finished binary to its place in the cache, executable, and records its SHA-256 beside it. A binary whose record
 * was not written any more counts as damaged.
 */
export async function keepBinary(finished: string, target: string): Promise<void> {
  chmodSync(finished, 0o755);
  const sha256 = await sha256Of(finished);
  renameSync(finished, target);
  writeFileAtomically(recordOf(target), `${sha256}\n`);
}

/** Says what is wrong with a binary of the cache; `undefined` if it is the one that was kept. */
export async function findDamage(target: string): Promise<string | undefined> {
  if (!lstatSync(target).isFile()) return `${target} is not a file`;
  const record = recordOf(target);
  if (!existsSync(record)) return `${target} has no recorded SHA-256`;
  const recorded = readFileSync(record, 'utf8').trim();
  try {
    accessSync(target, constants.R_OK | constants.X_OK);
  } catch {
    return `${target} is not executable`;
  }
  const actual = await sha256Of(target);
  return actual === recorded ? undefined : `${target} is damaged: SHA-256 ${actual} instead of ${recorded}`;
}

/** Says whether the cache has the binary undamaged; prints what is wrong with one that is to be replaced. */
export async function isKept(target: string, print: (line: string) => void): Promise<boolean> {
  if (!existsSync(target)) return false;
  const damage = await findDamage(target);
  if (damage !== undefined) print(`${damage}; replacing it`);
  return damage === undefined;
}

function recordOf(target: string): string {
  return `${target}.sha256`;
}
