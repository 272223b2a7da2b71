import { bytea, instant } from '@heliograph/database';
import { UNCERTAIN_POLICIES } from '../apps/uncertain-policy.ts';
import { INTENT_STATUSES, UNDER_WAY_SQL } from '../delivery/intent-status.ts';
import { BACKLOG_REASONS } from '../scan/backlog-reason.ts';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgSchema,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

/** Everything that dispatching keeps in PostgreSQL. Nobody else writes these tables. */
export const dispatch = pgSchema('dispatch');

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
    /** What to do about a notification in doubt. */
    uncertainPolicy: text('uncertain_policy', { enum: UNCERTAIN_POLICIES }).notNull().default('resend-pages'),
    version: integer('version').notNull().default(1),
    /** Grows when the provider, the settings or the secret change: what was learnt about an older one no longer holds. */
    targetVersion: integer('target_version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('connected_apps_name').on(table.name)],
);

/**
 * What deliveries learn about a connected app, shared by all streams: how long it is throttled, and whether the provider
 * refuses us. It changes by itself, so it is not part of the app's version.
 */
export const connectedAppHealth = dispatch.table('connected_app_health', {
  connectedAppId: text('connected_app_id')
    .primaryKey()
    .references(() => connectedApps.id, { onDelete: 'cascade' }),
  /** The target version of the app that this was learnt about; health of an older one counts no longer. */
  targetVersion: integer('target_version').notNull().default(1),
  throttledUntil: instant('throttled_until'),
  /** When the current series of permanent refusals began; null if the latest response was none. */
  failingSince: instant('failing_since'),
  failureCode: text('failure_code'),
  failureStatus: integer('failure_status'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/** Which issues go to which connected apps: a query over issues. */
export const routes = dispatch.table(
  'routes',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    query: text('query').notNull(),
    enabled: boolean('enabled').notNull().default(true),
    /** Milliseconds after which an alert that is still firing is renotified; null is never. */
    renotifyIntervalMs: bigint('renotify_interval_ms', { mode: 'number' }),
    /** Issues older than this, in milliseconds, never trigger a notification. Resolves are always sent. */
    maxSignalAgeMs: bigint('max_signal_age_ms', { mode: 'number' }).notNull().default(3_600_000),
    version: integer('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [uniqueIndex('routes_name').on(table.name)],
);

/**
 * Every version of every route, appended with each change. A scan records the revision that it matched with, so a
 * miss can be explained from the issue, however the route has changed since.
 */
export const routeHistory = dispatch.table(
  'route_history',
  {
    revision: bigint('revision', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    routeId: text('route_id').notNull(),
    version: integer('version').notNull(),
    name: text('name').notNull(),
    query: text('query').notNull(),
    enabled: boolean('enabled').notNull(),
    connectedAppIds: jsonb('connected_app_ids').$type<readonly string[]>().notNull(),
    renotifyIntervalMs: bigint('renotify_interval_ms', { mode: 'number' }),
    maxSignalAgeMs: bigint('max_signal_age_ms', { mode: 'number' }).notNull(),
    removed: boolean('removed').notNull().default(false),
    changedAt: instant('changed_at').notNull().defaultNow(),
  },
  (table) => [index('route_history_route').on(table.routeId, table.revision)],
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
    /** Status of the newest decided issue. */
    lastSeen: text('last_seen', { enum: ['firing', 'resolved', 'suppressed'] }),
    /** Position of the issue that opened the latest episode. */
    episode: numeric('episode', { precision: 20, scale: 0 }),
    /** A trigger or a resolve in doubt was dropped. */
    mayBeOpen: boolean('may_be_open').notNull().default(false),
    /** The latest silent decisions that were alike: their reason, and where they began. */
    silence: jsonb('silence').$type<{ readonly reason: string; readonly since: string }>(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('stream_state_open')
      .on(table.connectedAppId)
      .where(sql`${table.status} = 'firing'`),
    index('stream_state_owing')
      .on(table.lastPosition, table.workflowId)
      .where(sql`${table.status} = 'firing' or ${table.mayBeOpen}`),
    index('stream_state_fingerprint').on(table.fingerprint),
  ],
);

/**
 * One row per notification, persisted before anything is sent. A row that a claim finds `intended` belongs to an
 * interrupted attempt: whether it arrived is unknown, and it becomes `uncertain` before anything else happens.
 */
export const deliveryIntents = dispatch.table(
  'delivery_intents',
  {
    notificationId: text('notification_id').primaryKey(),
    workflowId: text('workflow_id').notNull(),
    fingerprint: text('fingerprint').notNull(),
    routeId: text('route_id').notNull(),
    connectedAppId: text('connected_app_id').notNull(),
    eventId: text('event_id').notNull(),
    position: numeric('position', { precision: 20, scale: 0 }).notNull(),
    kind: text('kind', { enum: ['trigger', 'update', 'resolve'] }).notNull(),
    reason: text('reason').notNull(),
    status: text('status', { enum: INTENT_STATUSES }).notNull(),
    /** What the latest claim found; null if it was the first. */
    foundStatus: text('found_status', { enum: INTENT_STATUSES }),
    /** How many attempts were begun; also tells a late writer that it is not the latest. */
    claims: integer('claims').notNull().default(1),
    /** Whether the outcome of any attempt was ever unknown. */
    wasUncertain: boolean('was_uncertain').notNull().default(false),
    /** Null until a release that records it claims the intent. */
    provider: text('provider'),
    externalId: text('external_id'),
    /** Why the latest attempt did not deliver it. */
    code: text('code'),
    /** Names the latest attempt, so that a claim that is repeated because its answer was lost is no second attempt. */
    attemptToken: text('attempt_token'),
    /** What the body is made of besides the issue, as it was at the first claim; null until a release that keeps it. */
    bodyInputs: jsonb('body_inputs'),
    decidedAt: instant('decided_at').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('delivery_intents_unsettled')
      .on(table.updatedAt)
      .where(sql`${table.status} in ${sql.raw(UNDER_WAY_SQL)}`),
    index('delivery_intents_under_way')
      .on(table.fingerprint)
      .where(sql`${table.status} in ${sql.raw(UNDER_WAY_SQL)}`),
    // Rows arrive in the order of time and are deleted by it.
    index('delivery_intents_age').using('brin', table.createdAt),
  ],
);

/**
 * Alert streams whose signals the scan could not hand over: their connected app holds its share of the running streams,
 * or Temporal refused the signal. One row per stream; of what was parked the newest signal counts, and before a `firing`
 * the newest `suppressed`.
 */
export const streamBacklog = dispatch.table(
  'stream_backlog',
  {
    workflowId: text('workflow_id').primaryKey(),
    fingerprint: text('fingerprint').notNull(),
    routeId: text('route_id').notNull(),
    connectedAppId: text('connected_app_id').notNull(),
    /** The newest signal that was parked, with the newest `suppressed` as a member, and the position of the former. */
    signal: jsonb('signal').notNull(),
    position: numeric('position', { precision: 20, scale: 0 }).notNull(),
    firstPosition: numeric('first_position', { precision: 20, scale: 0 }).notNull(),
    /** How many signals were parked. */
    signals: integer('signals').notNull().default(1),
    reason: text('reason', { enum: BACKLOG_REASONS }).notNull(),
    /** Attempts to hand it over that failed. */
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: instant('next_attempt_at').notNull().defaultNow(),
    parkedAt: instant('parked_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('stream_backlog_due').on(table.nextAttemptAt),
    index('stream_backlog_app').on(table.connectedAppId, table.parkedAt),
    index('stream_backlog_unreachable')
      .on(table.connectedAppId, table.parkedAt)
      .where(sql`${table.reason} = 'unreachable'`),
    index('stream_backlog_fingerprint').on(table.fingerprint),
  ],
);

/** Rows of the decision ledger on their way to ClickHouse, persisted with the state that they describe. */
export const ledgerOutbox = dispatch.table(
  'ledger_outbox',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    rows: jsonb('rows').notNull(),
    /** Set if ClickHouse permanently refuses these rows, or they cannot be read; they do not block the others. */
    refusedAt: instant('refused_at'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('ledger_outbox_refused')
      .on(table.refusedAt)
      .where(sql`${table.refusedAt} is not null`),
  ],
);
