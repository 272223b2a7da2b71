import type { Postgres, Sql } from '@heliograph/database';
import { and, asc, eq, gt, inArray, isNotNull, isNull, lte, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { AuthError } from '../errors.ts';
import { LOOK_UP_TIMEOUT_MS } from '../look-ups.ts';
import { runStatement, runTransaction } from '../run-statement.ts';
import { apiKeys } from '../schema.ts';
import { endLoginsOf } from '../tokens/login-holder.ts';

/** A key as it is stored, without its digest. Instants are epoch milliseconds. */
export interface ApiKey {
  readonly id: string;
  /** Null where the key is limited to no tenant. */
  readonly tenant: string | null;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** The id of the principal that created it. */
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** What a key is made of. */
export type ApiKeyDraft = Pick<
  ApiKey,
  'id' | 'tenant' | 'name' | 'prefix' | 'scopes' | 'roles' | 'createdBy' | 'expiresAt'
> & { readonly digest: Uint8Array };

/** What authentication needs of a key. */
export type KnownKey = Pick<
  ApiKey,
  'id' | 'tenant' | 'prefix' | 'scopes' | 'roles' | 'expiresAt' | 'revokedAt'
> & { readonly digest: Uint8Array };

/** When a key was accepted. */
export interface KeyUse {
  readonly id: string;
  readonly at: number;
}

/** API keys. `within` limits to one tenant; null is everywhere. Methods throw `DatabaseError` and `AuthError`. */
export interface KeyStore {
  list(page: {
    readonly within: string | null;
    readonly createdBy?: string | undefined;
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<readonly ApiKey[]>;
  /** @throws {AuthError} AUTH_KEY_NOT_FOUND */
  get(id: string, within: string | null): Promise<ApiKey>;
  /**
   * Stores a key. An expired key gives its name up, and stays expired.
   *
   * @throws {AuthError} AUTH_NAME_TAKEN
   */
  create(draft: ApiKeyDraft): Promise<ApiKey>;
  /**
   * Revokes a key for good, and with it its logins; one that is revoked stays as it is.
   *
   * @throws {AuthError} AUTH_KEY_NOT_FOUND
   */
  revoke(id: string, within: string | null): Promise<ApiKey>;
  /** Those that exist, in any order, revoked and expired ones included. */
  findByPrefix(prefixes: readonly string[]): Promise<readonly KnownKey[]>;
  /** Records when keys were last accepted; an older instant never replaces a newer one. */
  recordUses(uses: readonly KeyUse[]): Promise<void>;
}

type Row = typeof apiKeys.$inferSelect;

/** The API keys of one database. */
export function createKeyStore(postgres: Pick<Postgres, 'db' | 'sql'> & { readonly lookUps: Sql }): KeyStore {
  const { db, sql: run, lookUps } = postgres;
  const lookUpDb = drizzle(lookUps);
  const inTenant = (within: string | null) => (within === null ? undefined : eq(apiKeys.tenant, within));
  const one = (rows: readonly Row[], id: string): ApiKey => {
    const [row] = rows;
    if (row === undefined) throw new AuthError('AUTH_KEY_NOT_FOUND', `there is no key ${id}`);
    return keyOfRow(row);
  };
  return {
    list: ({ within, createdBy, afterId, limit }) =>
      runStatement('list keys', async () => {
        const rows = await db
          .select()
          .from(apiKeys)
          .where(
            and(
              inTenant(within),
              createdBy === undefined ? undefined : eq(apiKeys.createdBy, createdBy),
              afterId === null ? undefined : gt(apiKeys.id, afterId),
            ),
          )
          .orderBy(asc(apiKeys.id))
          .limit(limit);
        return rows.map(keyOfRow);
      }),
    get: (id, within) =>
      runStatement('read a key', async () =>
        one(
          await db
            .select()
            .from(apiKeys)
            .where(and(eq(apiKeys.id, id), inTenant(within))),
          id,
        ),
      ),
    create: ({ tenant, scopes, roles, expiresAt, ...rest }) =>
      runTransaction(
        postgres,
        'create a key',
        async (tx) => {
          const owner = tenant ?? '';
          const isSame = and(eq(apiKeys.tenant, owner), eq(apiKeys.name, rest.name));
          await tx
            .update(apiKeys)
            .set({ nameFreedAt: sql`now()` })
            .where(and(isSame, isNull(apiKeys.nameFreedAt), lte(apiKeys.expiresAt, sql`now()`)));
          const rows = await tx
            .insert(apiKeys)
            .values({
              ...rest,
              tenant: owner,
              scopes: [...scopes],
              roles: [...roles],
              expiresAt: expiresAt === null ? null : new Date(expiresAt),
            })
            .returning();
          return one(rows, rest.id);
        },
        {
          api_keys_name: () =>
            new AuthError(
              'AUTH_NAME_TAKEN',
              `a key of the name ${rest.name} exists; revoke it or choose another name`,
            ),
        },
      ),
    revoke: (id, within) =>
      runTransaction(postgres, 'revoke a key', async (tx) => {
        const rows = await tx
          .update(apiKeys)
          .set({ revokedAt: sql`coalesce(${apiKeys.revokedAt}, now())` })
          .where(and(eq(apiKeys.id, id), inTenant(within)))
          .returning();
        const key = one(rows, id);
        await endLoginsOf(tx, { kind: 'key', id });
        return key;
      }),
    findByPrefix: (prefixes) =>
      runStatement(
        'look keys up',
        async () => {
          const rows = await lookUpDb
            .select()
            .from(apiKeys)
            .where(inArray(apiKeys.prefix, [...prefixes]));
          return rows.map((row) => ({ ...keyOfRow(row), digest: row.digest }));
        },
        {},
        LOOK_UP_TIMEOUT_MS,
      ),
    recordUses: (uses) =>
      runStatement('record when keys were used', async () => {
        const ids = uses.map(({ id }) => id);
        const instants = uses.map(({ at }) => new Date(at).toISOString());
        await run`
          update auth.api_keys k set last_used_at = used.at
          from unnest(${ids}::text[], ${instants}::timestamptz[]) as used(id, at)
          where k.id = used.id and (k.last_used_at is null or k.last_used_at < used.at)`;
      }),
  };
}

/** What the clean-up removes: keys that have been revoked or expired for long enough. */
export function isObsolete(keptMs: number) {
  const limit = sql`now() - make_interval(secs => ${keptMs / 1000})`;
  return sql`(${and(isNotNull(apiKeys.revokedAt), lte(apiKeys.revokedAt, limit))} or ${and(
    isNotNull(apiKeys.expiresAt),
    lte(apiKeys.expiresAt, limit),
  )})`;
}

function keyOfRow(row: Row): ApiKey {
  const { digest: _, nameFreedAt: __, tenant, createdAt, expiresAt, revokedAt, lastUsedAt, ...rest } = row;
  return {
    ...rest,
    tenant: tenant === '' ? null : tenant,
    createdAt: createdAt.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    revokedAt: revokedAt?.getTime() ?? null,
    lastUsedAt: lastUsedAt?.getTime() ?? null,
  };
}
