import type { ClaimRegistry, ObjectStore } from '@heliograph/codec/claims';
import { createFileStore } from '@heliograph/codec/claims/file';
import {
  CLAIMS_MIGRATIONS,
  createPostgresRegistry,
  createPostgresStore,
} from '@heliograph/codec/claims/postgres';
import { createS3Store } from '@heliograph/codec/claims/s3';
import { isCodecError } from '@heliograph/codec/codecs';
import { connectPostgres, migratePostgres, type Postgres } from '@heliograph/database';
import { ConfigError, type ServicePart } from '@heliograph/service';
import type { MigrationContext } from '../app-options.ts';
import type { CodecConfig } from './open-key-ring.ts';

/** Where large payloads are, and the register of who names which. */
export interface StoredPayloads {
  readonly store: ObjectStore;
  readonly registry: ClaimRegistry;
}

/** What opening them needs of its process. */
export interface StoreSurroundings {
  /** Shown by PostgreSQL as who is connected. */
  readonly name: string;
  /** Called only if there is a store: the register is in PostgreSQL, wherever the objects are. */
  readonly postgresUrl: () => string;
  readonly register: (part: ServicePart) => void;
  readonly whenAvailable: MigrationContext['whenAvailable'];
}

const VARIABLE = 'HELIOGRAPH_CODEC_CLAIMS';
/** Large payloads are few, and hold their connection for long. */
const MAX_CONNECTIONS = 4;
/** As long as the claim check tries to store what is too large for the Temporal Server. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Opens the store that HELIOGRAPH_CODEC_CLAIMS names, and the register in PostgreSQL, over connections of their own, which
 * are closed when the app stops; null without the variable. Brings the schema `claims` up to date, as soon as PostgreSQL is
 * available: until then payloads stay inline.
 *
 * @throws {ConfigError} for a store that cannot be opened.
 */
export async function openStoredPayloads(
  { [VARIABLE]: place }: Pick<CodecConfig, typeof VARIABLE>,
  { name, postgresUrl, register, whenAvailable }: StoreSurroundings,
): Promise<StoredPayloads | null> {
  if (place === undefined) return null;
  const postgres = connectPostgres({
    url: postgresUrl(),
    applicationName: `${name}-claims`,
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  register({ name: 'codec-claims', stop: (deadlineMs) => postgres.close(deadlineMs) });
  const store = await openStore(place, postgres).catch((error: unknown) => {
    throw isCodecError(error) ? refuse(error.message) : error;
  });
  await whenAvailable('large payloads', () => migratePostgres(postgres, CLAIMS_MIGRATIONS));
  return { store, registry: createPostgresRegistry(postgres) };
}

async function openStore(place: string, postgres: Postgres): Promise<ObjectStore> {
  if (place === 'postgres') return createPostgresStore(postgres);
  if (place.startsWith('file:')) return createFileStore({ folder: place.slice('file:'.length) });
  const { bucket, prefix, region, endpoint } = readS3Place(place);
  return createS3Store({
    bucket,
    ...(prefix === '' ? {} : { prefix }),
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
  });
}

/** Quotes nothing of the address: somebody may have put credentials into it. */
function readS3Place(place: string) {
  if (!URL.canParse(place)) throw refuse('expected s3://BUCKET or s3://BUCKET/PREFIX');
  const { hostname, port, username, password, pathname, searchParams, hash } = new URL(place);
  if (username + password !== '')
    throw refuse('expected no credentials in it; they come from the environment of the AWS SDK');
  if (port + hash !== '' || [...searchParams.keys()].some((key) => key !== 'region' && key !== 'endpoint'))
    throw refuse('expected s3://BUCKET/PREFIX with no more than ?region= and &endpoint=');
  return {
    bucket: hostname,
    prefix: pathname.slice(1),
    region: searchParams.get('region'),
    endpoint: searchParams.get('endpoint'),
  };
}

function refuse(detail: string): ConfigError {
  return new ConfigError([{ variable: VARIABLE, detail }]);
}
