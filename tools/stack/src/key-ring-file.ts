import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from './atomic-file.ts';
import { StackError, systemCodeOf } from './errors.ts';

/** The parts of a key ring that the stack reads; whatever else is in the file stays as it is. */
interface KeyRingFile {
  readonly domains: Readonly<Record<string, unknown>>;
}

/**
 * Gives a function that returns the path of the stack's key ring (see `parseKeyRing` of `codec`) and makes sure that a
 * domain has a key in it, and another one that names large payloads. Keys are made once and kept, and a domain that is there
 * stays as it is; the file can only be read by its owner. `openSecrets` has made the folder.
 */
export function openKeyRingFile(directory: string): (domain: string) => string {
  const path = join(directory, 'secrets', 'codec-keys.json');
  return (domain) => {
    if (!/^[a-z0-9-]{1,32}$/.test(domain))
      throw new TypeError(`not a name for a domain of keys: ${JSON.stringify(domain)}`);
    const ring = readRing(path);
    if (!Object.hasOwn(ring.domains, domain)) {
      const makeKey = (id: string) => ({ id, key: randomBytes(32).toString('base64url') });
      const keys = [makeKey('local-1'), { ...makeKey('local-claims-1'), use: 'claims' }];
      const domains = { ...ring.domains, [domain]: { active: 'local-1', keys } };
      writeFileAtomically(path, `${JSON.stringify({ ...ring, domains }, null, 2)}\n`);
    }
    return path;
  };
}

/** @throws {StackError} STACK_STATE_INVALID: without its keys, what is in the stack's histories cannot be read any more */
function readRing(path: string): KeyRingFile {
  try {
    const ring: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isRing(ring)) return ring;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return { domains: {} };
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StackError(
    'STACK_STATE_INVALID',
    `${path} is not a key ring; repair it, or delete the whole state if nothing in it is needed any more`,
  );
}

function isRing(value: unknown): value is KeyRingFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'domains' in value &&
    typeof value.domains === 'object' &&
    value.domains !== null &&
    !Array.isArray(value.domains)
  );
}
