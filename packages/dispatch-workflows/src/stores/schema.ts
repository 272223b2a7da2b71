import { bytea } from '@heliograph/database';
import { sql } from 'drizzle-orm';
import {
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

/** Everything that dispatching keeps in PostgreSQL. Nobody else writes these tables. */
export const dispatch = pgSchema('dispatch');

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });

/** Where notifications go: a provider, its settings, and its secret sealed. */
export const connectedApps = dispatch.table(
  'connected_apps',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    provider: text('provider').notNull(),
    settings: jsonb('settings').notNull(),
    secretSealed: bytea('secret_sealed').notNull(),
    secretKeyId: text('secret_key_id').notNull(),
    enabled: boolean('enabled').notNull().default(true),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('connected_apps_name').on(table.name)],
);

/** Which issues go where: a query over issues. */
export const routes = dispatch.table(
  'routes',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    query: text('query').notNull(),
    enabled: boolean('enabled').notNull().default(true),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('routes_name').on(table.name)],
);

/** The connected apps of a route. */
export const routeConnectedApps = dispatch.table(
  'route_connected_apps',
  {
    routeId: text('route_id')
      .notNull()
      .references(() => routes.id, { onDelete: 'cascade' }),
    connectedAppId: text('connected_app_id')
      .notNull()
      .references(() => connectedApps.id, { onDelete: 'restrict' }),
  },
  (table) => [
    primaryKey({ columns: [table.routeId, table.connectedAppId] }),
    index('route_connected_apps_app').on(table.connectedAppId),
  ],
);

/** What an alert stream remembers between its runs: one row per stream, written once per notification. */
export const streamState = dispatch.table(
  'stream_state',
  {
    workflowId: text('workflow_id').primaryKey(),
    fingerprint: text('fingerprint').notNull(),
    routeId: text('route_id').notNull(),
    connectedAppId: text('connected_app_id').notNull(),
    status: text('status', { enum: ['none', 'firing', 'resolved'] }).notNull(),
    notificationCount: integer('notification_count').notNull(),
    lastNotifiedAt: instant('last_notified_at'),
    lastPosition: numeric('last_position', { precision: 20, scale: 0 }),
    externalIds: jsonb('external_ids').$type<Record<string, string>>().notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('stream_state_open')
      .on(table.connectedAppId)
      .where(sql`${table.status} = 'firing'`),
    index('stream_state_fingerprint').on(table.fingerprint),
  ],
);
