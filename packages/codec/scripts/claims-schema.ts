import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  foreignKey,
  index,
  pgSchema,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core';

// The schema `claims`, for drizzle-kit. Statements are in src/claims, which use postgres.js alone.

const claims = pgSchema('claims');
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
/** Milliseconds since 1970. */
const instant = (name: string) => bigint(name, { mode: 'number' });

/** Ids of what is stored, with the name that the object has now. */
export const names = claims.table(
  'names',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    /** Uploads of it; whoever deletes the row compares it. */
    uploads: bigint('uploads', { mode: 'number' }).notNull().default(1),
  },
  (table) => [unique('names_name_unique').on(table.name)],
);

/** Workflow ids whose histories name an object. */
export const owners = claims.table(
  'owners',
  {
    namespace: text('namespace').notNull(),
    workflowId: text('workflow_id').notNull(),
    id: text('id').notNull(),
    uploads: bigint('uploads', { mode: 'number' }).notNull().default(1),
    claimedAt: instant('claimed_at')
      .notNull()
      .default(sql`(extract(epoch from now()) * 1000)::bigint`),
    observedAt: instant('observed_at'),
    missingSince: instant('missing_since'),
    isUncertain: boolean('is_uncertain').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.namespace, table.workflowId, table.id] }),
    // No cascade: the name of an object that has an owner cannot be deleted.
    foreignKey({ columns: [table.id], foreignColumns: [names.id] }),
    index('owners_id_index').on(table.id),
  ],
);

/** Families that the executions of a workflow id belong to. */
export const families = claims.table(
  'families',
  {
    namespace: text('namespace').notNull(),
    workflowId: text('workflow_id').notNull(),
    family: text('family').notNull(),
  },
  (table) => [primaryKey({ columns: [table.namespace, table.workflowId, table.family] })],
);

/** Names whose objects are to be deleted. */
export const condemned = claims.table('condemned', { name: text('name').primaryKey() });

/** Objects, where PostgreSQL is the store. */
export const objects = claims.table('objects', {
  name: text('name').primaryKey(),
  data: bytea('data').notNull(),
});
