import { bytea, instant } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgSchema, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';

/** Everything that authentication keeps in PostgreSQL. Nobody else writes these tables. */
export const auth = pgSchema('auth');

/** API keys, by the SHA-256 of what callers send. */
export const apiKeys = auth.table(
  'api_keys',
  {
    id: text('id').primaryKey(),
    /** Empty where the key is limited to no tenant. */
    tenant: text('tenant').notNull(),
    name: text('name').notNull(),
    /** The beginning of the key, by which it is found; not secret. */
    prefix: text('prefix').notNull(),
    digest: bytea('digest').notNull(),
    scopes: text('scopes').array().notNull(),
    roles: text('roles').array().notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    lastUsedAt: instant('last_used_at'),
    /** When an expired key gave its name up to another one. */
    nameFreedAt: instant('name_freed_at'),
  },
  (table) => [
    uniqueIndex('api_keys_prefix').on(table.prefix),
    // A name is free again once its key is revoked, or has expired and another key asks for it.
    uniqueIndex('api_keys_name')
      .on(table.tenant, table.name)
      .where(sql`${table.revokedAt} is null and ${table.nameFreedAt} is null`),
  ],
);

/** Named sets of scopes. */
export const roles = auth.table(
  'roles',
  {
    tenant: text('tenant').notNull(),
    name: text('name').notNull(),
    scopes: text('scopes').array().notNull(),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.name] })],
);

/** Subjects of an OpenID Connect issuer that belong to a tenant. */
export const members = auth.table(
  'members',
  {
    id: text('id').primaryKey(),
    tenant: text('tenant').notNull(),
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    name: text('name'),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('members_subject').on(table.tenant, table.issuer, table.subject)],
);

/** The roles of a member. */
export const memberRoles = auth.table(
  'member_roles',
  {
    memberId: text('member_id')
      .notNull()
      .references(() => members.id, { onDelete: 'cascade' }),
    tenant: text('tenant').notNull(),
    role: text('role').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.memberId, table.role] }),
    foreignKey({
      name: 'member_roles_role',
      columns: [table.tenant, table.role],
      foreignColumns: [roles.tenant, roles.name],
    }).onDelete('restrict'),
    index('member_roles_tenant').on(table.tenant, table.role),
  ],
);

/**
 * Why a login was revoked: by its token, because a token was used twice, by its id, with all logins of its caller, or with
 * the member or key that it belongs to.
 */
export const REVOKED_FOR = ['logout', 'reuse', 'operator', 'principal', 'holder'] as const;

/** A login: refresh tokens that follow from each other. */
export const refreshFamilies = auth.table(
  'refresh_families',
  {
    id: text('id').primaryKey(),
    /** Whom the tokens stand for. */
    principalId: text('principal_id').notNull(),
    /** Empty where the caller is limited to no tenant. */
    tenant: text('tenant').notNull().default(''),
    /** Whose login it is: a member or a key. It ends with them, and its record outlives them, so these are no foreign keys. */
    memberId: text('member_id'),
    keyId: text('key_id'),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** When the login ends, however often it was refreshed. */
    expiresAt: instant('expires_at').notNull(),
    revokedAt: instant('revoked_at'),
    revokedFor: text('revoked_for', { enum: REVOKED_FOR }),
  },
  (table) => [
    index('refresh_families_principal').on(table.principalId),
    index('refresh_families_member')
      .on(table.memberId)
      .where(sql`${table.memberId} is not null`),
    index('refresh_families_key')
      .on(table.keyId)
      .where(sql`${table.keyId} is not null`),
    index('refresh_families_expiry').on(table.expiresAt),
  ],
);

/** Refresh tokens, by the SHA-256 of what callers send; each is good for one exchange. */
export const refreshTokens = auth.table(
  'refresh_tokens',
  {
    digest: bytea('digest').primaryKey(),
    familyId: text('family_id')
      .notNull()
      .references(() => refreshFamilies.id, { onDelete: 'cascade' }),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** When the token ends if it is not used. */
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
  },
  (table) => [index('refresh_tokens_family').on(table.familyId)],
);

/** Values that are good for one use, such as the `nonce` of a login. */
export const nonces = auth.table(
  'nonces',
  {
    purpose: text('purpose').notNull(),
    digest: bytea('digest').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
  },
  (table) => [
    primaryKey({ columns: [table.purpose, table.digest] }),
    index('nonces_expiry').on(table.expiresAt),
  ],
);
