import { createHash } from 'node:crypto';
import { CodecError } from '../contract/errors.ts';
import type { ObjectStore } from '../claims/object-store.ts';

/** A store in memory, which can be away. */
export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>;
  isAway: boolean;
  /** Calls of `put`, those that failed among them. */
  puts: number;
}

/** Creates a store in memory. */
export function createMemoryStore(): MemoryStore {
  const objects = new Map<string, Uint8Array>();
  const assertThere = (): void => {
    if (store.isAway) throw new CodecError('CODEC_CLAIMS_UNAVAILABLE', 'away', { retryable: true });
  };
  const store: MemoryStore = {
    objects,
    isAway: false,
    puts: 0,
    type: 'memory',
    put: async (name, bytes) => {
      store.puts++;
      assertThere();
      if (objects.has(name)) return false;
      objects.set(name, Uint8Array.from(bytes));
      return true;
    },
    get: async (name, maxBytes) => {
      assertThere();
      const bytes = objects.get(name);
      if (bytes === undefined) return null;
      if (bytes.length > maxBytes) throw new CodecError('CODEC_TOO_LARGE', `${name} is too large`);
      return { bytes, version: versionOf(bytes) };
    },
    replace: async (name, { bytes, version }) => {
      assertThere();
      const current = objects.get(name);
      if (current === undefined || versionOf(current) !== version) return false;
      objects.set(name, Uint8Array.from(bytes));
      return true;
    },
    remove: async (name) => {
      assertThere();
      objects.delete(name);
    },
    list: async ({ after, limit }) => {
      assertThere();
      return [...objects.keys()]
        .filter((name) => name > (after ?? ''))
        .toSorted()
        .slice(0, limit);
    },
  };
  return store;
}

function versionOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
