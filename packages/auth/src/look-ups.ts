import type { Postgres, Sql } from '@heliograph/database';

/** The longest time for a look-up, in milliseconds: nobody waits longer for who calls. */
export const LOOK_UP_TIMEOUT_MS = 3000;
/** Look-ups that wait at most; further ones are `unavailable` at once. */
export const MAX_WAITING_LOOK_UPS = 5000;

const MAX_CONNECTIONS = 4;

/**
 * Opens connections on which callers are looked up and nothing else, so that no change or list, however many of them wait,
 * holds authentication up. The server ends a look-up when nobody waits for it any more.
 */
export function openLookUps(postgres: Pick<Postgres, 'separate'>): Sql {
  return postgres.separate({
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: LOOK_UP_TIMEOUT_MS,
    queryTimeoutMs: LOOK_UP_TIMEOUT_MS,
  });
}
