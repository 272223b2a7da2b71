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
 * domain has a key in it, and another one that names large payloads: a ring from before there were such keys is extended. Keys
 * are made once and kept, and nothing that is there is changed; the file can only be read by its owner. `openSecrets` has made
 * the folder.
 */
export function openKeyRingFile(directory: string): (domain: string) => string {
  const path = join(directory, 'secrets', 'codec-keys.json');
  return (domain) => {
    if (!/^[a-z0-9-]{1,32}$/.test(domain))
      throw new TypeError(`not a name for a domain of keys: ${JSON.stringify(domain)}`);
    const ring = readRing(path);
    const found = Object.hasOwn(ring.domains, domain) ? ring.domains[domain] : undefined;
    const extended = found === undefined ? makeDomain() : withClaimsKey(found);
    if (extended !== found) {
      const domains = { ...ring.domains, [domain]: extended };
      writeFileAtomically(path, `${JSON.stringify({ ...ring, domains }, null, 2)}\n`);
    }
    return path;
  };
}

function makeDomain(): object {
  return withClaimsKey({ active: 'local-1', keys: [makeKey('local-1')] });
}

function makeKey(id: string): { readonly id: string; readonly key: string } {
  return { id, key: randomBytes(32).toString('base64url') };
}

/** Gives what it is given if there is such a key, or nothing that could be extended: the apps then say what is wrong. */
function withClaimsKey<T>(domain: T): T | object {
  if (typeof domain !== 'object' || domain === null || !('keys' in domain) || !Array.isArray(domain.keys))
    return domain;
  const keys: readonly unknown[] = domain.keys;
  const ids = new Set(keys.map((key) => Reflect.get(Object(key), 'id')));
  if (keys.some((key) => Reflect.get(Object(key), 'use') === 'claims')) return domain;
  let number = 1;
  while (ids.has(`local-claims-${number}`)) number++;
  return { ...domain, keys: [...keys, { ...makeKey(`local-claims-${number}`), use: 'claims' }] };
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
