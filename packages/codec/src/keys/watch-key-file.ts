import { readFile } from 'node:fs/promises';
import { CodecError } from '../contract/errors.ts';
import type { CodecKey } from './codec-key.ts';
import { createKeyRing, type DomainKeys, type KeyRing } from './key-ring.ts';
import { notify } from './notify.ts';
import { parseDomainKeys } from './parse-key-ring.ts';

/** Options of {@link watchKeyFile}. */
export interface KeyFileOptions {
  /** How often the file is read, in milliseconds; default 5,000. */
  readonly intervalMs?: number;
  /** Receives that another ring is in use. */
  readonly onChange?: (ring: KeyRing) => unknown;
  /** Receives that the file cannot be read or used: the ring of before stays in use. Once until it changes. */
  readonly onProblem?: (error: unknown) => unknown;
}

/** A key ring that follows a file. */
export interface KeyFile extends KeyRing {
  /** Reads the file now. */
  reload(): Promise<void>;
  /** Ends the watch; the ring stays usable. */
  close(): void;
}

/**
 * Reads a key ring (see `parseKeyRing`) from a file and follows its changes: a whole file that can be used replaces the
 * ring at once, anything else is reported and changes nothing, also one in which a domain is missing, or in which an id
 * that was in use stands for another key. The file is read again and again instead of watched, because mounted secrets
 * are replaced by renaming a folder, of which a watch does not hear. A payload that names a key that is not in the ring has
 * it read at once: another process may have read it earlier.
 *
 * @throws CodecError CODEC_KEYS_INVALID, or the error of reading the file: there is no ring before the first one.
 */
export async function watchKeyFile(path: string, options: KeyFileOptions = {}): Promise<KeyFile> {
  const { intervalMs = 5000, onChange, onProblem } = options;
  let text = await readFile(path, 'utf8');
  const first = parseDomainKeys(text);
  let ring = createKeyRing(first);
  const seen = new Map(namedKeys(first));
  let problem = '';
  const read = async (): Promise<void> => {
    try {
      const now = await readFile(path, 'utf8');
      problem = now === text ? '' : problem;
      if (now === text) return;
      const keys = parseDomainKeys(now);
      const next = createKeyRing(keys);
      assertSameDomains(ring, next);
      const named = namedKeys(keys);
      assertSameKeys(seen, named);
      for (const [name, key] of named) seen.set(name, key);
      ring = next;
      text = now;
      problem = '';
      notify(() => onChange?.(next));
    } catch (error) {
      const message = error instanceof Error ? error.message : 'unknown';
      if (message !== problem) notify(() => onProblem?.(error));
      problem = message;
    }
  };
  // One after the other, so that an older text never replaces a newer one. One that has not begun serves all who ask.
  let reading = Promise.resolve();
  let next: Promise<void> | null = null;
  const reload = (): Promise<void> => {
    if (next !== null) return next;
    next = reading = reading.then(() => {
      next = null;
      return read();
    });
    return next;
  };
  let isClosed = false;
  const timer = setInterval(() => void reload(), intervalMs).unref();
  return {
    get domains() {
      return ring.domains;
    },
    activeKey: (domain) => ring.activeKey(domain),
    findKey(domain, keyId, wrapped) {
      try {
        return ring.findKey(domain, keyId, wrapped);
      } catch (error) {
        if (isClosed) throw error;
        return reload().then(() => ring.findKey(domain, keyId, wrapped));
      }
    },
    claimKeys: (domain) => ring.claimKeys?.(domain) ?? [],
    reload,
    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

/** Codecs that encrypt in a domain rely on it. */
function assertSameDomains(before: KeyRing, after: KeyRing): void {
  const missing = before.domains.find((domain) => !after.domains.includes(domain));
  if (missing !== undefined)
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      `The key ring cannot be used: the domain ${missing} is missing. Restart without it if it is no longer used.`,
    );
}

/** Every key with a name that is its own; neither a domain nor an id has a slash. */
function namedKeys(domains: Readonly<Record<string, DomainKeys>>): readonly (readonly [string, CodecKey])[] {
  return Object.entries(domains).flatMap(([domain, { active, others, claims = [] }]) =>
    [active, ...others, ...claims].map((key) => [`${domain}/${key.id}`, key] as const),
  );
}

/** Payloads name the id for ever: with another key behind it, those of before could not be read any more. */
function assertSameKeys(
  seen: ReadonlyMap<string, CodecKey>,
  named: readonly (readonly [string, CodecKey])[],
): void {
  const changed = named.find(([name, { key }]) => seen.get(name)?.key.equals(key) === false);
  if (changed === undefined) return;
  const [name, { id }] = changed;
  throw new CodecError(
    'CODEC_KEYS_INVALID',
    `The key ring cannot be used: key ${name} has other bytes than before. Give the new key an id of its own.`,
    { keyId: id },
  );
}
