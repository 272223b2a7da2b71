import { type ClaimRegistry, createClaimCheck, type ObjectStore } from '@heliograph/codec/claims';
import { createFileStore } from '@heliograph/codec/claims/file';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import { createS3Store } from '@heliograph/codec/claims/s3';
import { isCodecError } from '@heliograph/codec/codecs';
import { ConfigError } from '@heliograph/service';
import type { Databases } from '@heliograph/worker-app';
import type { ClaimStore } from './payloads/storage-reference.ts';

/** How long an answer waits for an object: whoever asked can ask again. */
const FETCH_TIMEOUT_MS = 5000;

/**
 * Opens the store of large payloads that a variable names; null without one. Nothing is stored here.
 *
 * @throws {ConfigError} for a store that cannot be opened.
 */
export async function openClaims(
  place: string | undefined,
  { postgres, maxObjectBytes }: Pick<Databases, 'postgres'> & { readonly maxObjectBytes: number },
): Promise<ClaimStore | null> {
  const stored = await openStoredPayloads(place, postgres);
  return stored === null
    ? null
    : createClaimCheck({ ...stored, maxObjectBytes, fetchTimeoutMs: FETCH_TIMEOUT_MS });
}

/**
 * Opens the store that a variable names, and the register of who names what; null without one.
 *
 * @throws {ConfigError} for a store that cannot be opened.
 */
export async function openStoredPayloads(
  place: string | undefined,
  postgres: Databases['postgres'],
): Promise<{ readonly store: ObjectStore; readonly registry: ClaimRegistry } | null> {
  if (place === undefined) return null;
  try {
    return {
      store: await openStore(place, postgres),
      registry: createPostgresRegistry({ sql: postgres.sql }),
    };
  } catch (error) {
    if (!isCodecError(error)) throw error;
    throw new ConfigError([{ variable: 'HELIOGRAPH_CODEC_CLAIMS', detail: error.message }]);
  }
}

async function openStore(place: string, { sql }: Databases['postgres']): Promise<ObjectStore> {
  if (place === 'postgres') return createPostgresStore({ sql });
  if (place.startsWith('file:')) return createFileStore({ folder: place.slice('file:'.length) });
  const { hostname: bucket, pathname, searchParams } = new URL(place);
  const prefix = pathname.slice(1);
  const region = searchParams.get('region');
  const endpoint = searchParams.get('endpoint');
  return createS3Store({
    bucket,
    ...(prefix === '' ? {} : { prefix }),
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
  });
}
