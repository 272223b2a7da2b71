import { timingSafeEqual } from 'node:crypto';
import { createBatchedReader, withDeadline } from '@heliograph/database';
import {
  readBearerToken,
  systemClock,
  type Authenticator,
  type Clock,
  type Principal,
  type RefusalReason,
} from '@heliograph/service';
import { createCachedReader } from '../cached-reader.ts';
import { LOOK_UP_TIMEOUT_MS, MAX_WAITING_LOOK_UPS } from '../look-ups.ts';
import { parseKey } from './key-format.ts';
import type { KeyStore, KeyUse, KnownKey } from './key-store.ts';

/** Options of {@link createKeyAuth}. */
export interface KeyAuthOptions {
  readonly keys: Pick<KeyStore, 'findByPrefix'>;
  /** How long a key that was read is accepted without asking again: so soon a revoke holds. Default 5,000. */
  readonly cacheMs?: number;
  /** What the remembered keys may take, in bytes, roughly. Default 8 MiB. */
  readonly cacheBytes?: number;
  /** The longest time for a look-up, at most that of the store's own statements. Default 3,000. */
  readonly timeoutMs?: number;
  /** Hears of every accepted key; it must not wait for anything. */
  readonly onUsed?: (use: KeyUse) => void;
  readonly clock?: Clock;
}

/** Authentication by stored keys. */
export interface KeyAuth extends Authenticator {
  /** Forgets a key that was revoked here, so that it is refused at once, also where it is being looked up. */
  forget(prefix: string): void;
}

/**
 * Creates authentication by `Authorization: Bearer hgk_…`. What has not the form of a key is refused without a look-up;
 * others are looked up together, by at most two statements at a time. While the database is unavailable the outcome is
 * `unavailable`, and keys that were read within `cacheMs` are accepted.
 */
export function createKeyAuth(options: KeyAuthOptions): KeyAuth {
  const {
    keys,
    cacheMs = 5000,
    cacheBytes = 8_388_608,
    timeoutMs = LOOK_UP_TIMEOUT_MS,
    onUsed,
    clock = systemClock,
  } = options;
  const read = createBatchedReader<string, KnownKey>({
    readMany: (prefixes) => keys.findByPrefix([...new Set(prefixes)]),
    keyOf: (key) => (typeof key === 'string' ? key : key.prefix),
    maxWaitMs: timeoutMs,
    maxWaiting: MAX_WAITING_LOOK_UPS,
  });
  const entries = createCachedReader<string, Entry | null>({
    keyOf: (prefix) => prefix,
    read: async (prefix) => {
      const key = await withDeadline(timeoutMs, 'look a key up', () => read(prefix));
      return key === null ? null : { key, principal: principalOf(key) };
    },
    maxAgeMs: cacheMs,
    maxWeight: cacheBytes,
    // Made-up keys must not displace real ones.
    weigh: (_, entry) => (entry === null ? Infinity : weightOf(entry.key)),
    clock,
  });
  return {
    scheme: 'Bearer',
    authenticate: async (headers) => {
      const bearer = readBearerToken(headers);
      if (bearer === null) return { kind: 'absent' };
      if (bearer === 'malformed') return { kind: 'refused', reason: 'CREDENTIALS_MALFORMED' };
      const presented = parseKey(bearer.token);
      if (presented === null) return { kind: 'refused', reason: 'CREDENTIALS_UNKNOWN' };
      let entry: Entry | null;
      try {
        entry = await entries.get(presented.prefix);
      } catch (cause) {
        return { kind: 'unavailable', cause };
      }
      const now = clock.now();
      if (entry === null) return { kind: 'refused', reason: 'KEY_UNKNOWN' };
      const reason = findRefusal(entry.key, presented.digest, now);
      if (reason !== null) return { kind: 'refused', reason };
      onUsed?.({ id: entry.key.id, at: now });
      return { kind: 'authenticated', principal: entry.principal };
    },
    forget: (prefix) => entries.forget((key) => key === prefix),
  };
}

interface Entry {
  readonly key: KnownKey;
  readonly principal: Principal;
}

function weightOf({ scopes, roles }: KnownKey): number {
  return 400 + 2 * [...scopes, ...roles].reduce((sum, { length }) => sum + length + 40, 0);
}

/** Why a key is refused at this moment: it has another digest, or is revoked or has expired. Null if it opens. */
export function findRefusal(
  key: Pick<KnownKey, 'digest' | 'expiresAt' | 'revokedAt'>,
  digest: Uint8Array,
  now: number,
): RefusalReason | null {
  const isSame = key.digest.length === digest.length && timingSafeEqual(key.digest, digest);
  if (!isSame) return 'KEY_UNKNOWN';
  if (key.revokedAt !== null) return 'KEY_REVOKED';
  return key.expiresAt !== null && key.expiresAt <= now ? 'KEY_EXPIRED' : null;
}

/** The id of the principal of a stored key; a colon is in no id of a key of the environment. */
function principalOf({ id, scopes, roles, tenant, expiresAt }: KnownKey): Principal {
  return {
    id: `key:${id}`,
    scopes: new Set(scopes),
    roles: new Set(roles),
    ...(tenant === null ? {} : { tenant }),
    ...(expiresAt === null ? {} : { keyExpiresAt: expiresAt }),
  };
}
