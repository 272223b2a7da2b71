import type { NotificationKind } from '@heliograph/notifier';
import {
  NOTIFY_REASONS,
  SILENCE_REASONS,
  type NotifyReason,
  type SilenceReason,
} from '../contract/reasons.ts';
import type { LedgerOutcome } from '../ledger/ledger-entry.ts';

/** Why a route matched an issue or did not. */
export const ROUTE_REASONS = [
  'matched',
  'not_matched',
  'route_disabled',
  'route_removed',
  'route_unreadable',
  'no_connected_app',
  'route_is_newer',
  'query_too_complex',
] as const;

/** Why a route matched an issue or did not. */
export type RouteReason = (typeof ROUTE_REASONS)[number];

/** Why an alert stream notified of an issue or did not. */
export const STREAM_REASONS = [
  ...NOTIFY_REASONS,
  ...SILENCE_REASONS,
  'rejected',
  'signal_expired',
  'signal_expired_rate_limited',
  'connected_app_missing',
  'issue_missing',
  'secret_unreadable',
  'superseded',
  'connected_app_disabled',
  'waiting_in_backlog',
  'not_decided_yet',
  'not_scanned_yet',
  'decision_not_recorded',
] as const;

/** Why an alert stream notified of an issue or did not. */
export type StreamReason = (typeof STREAM_REASONS)[number];

/** Every reason that an explanation can give, of routes and of streams. */
export const EXPLAINED_REASONS: readonly (RouteReason | StreamReason)[] = [
  ...ROUTE_REASONS,
  ...STREAM_REASONS,
];

/** The outcome of the notification; `none` where there was none to send. */
export const STREAM_OUTCOMES = ['delivered', 'assumed_delivered', 'dropped', 'pending', 'none'] as const;

/** The outcome of the notification; `none` where there was none to send. */
export type StreamOutcome = (typeof STREAM_OUTCOMES)[number];

/** What was decided about an issue and why. Instants are ISO 8601. */
export interface Explanation {
  readonly fingerprint: string;
  /** The instant that was asked for. */
  readonly at: string;
  readonly position: string;
  readonly eventId: string;
  /** Null if the row is gone and only the ledger still has it. */
  readonly issue: ExplainedIssue | null;
  /** When a scan saw it first; null if none did so far. */
  readonly seenAt: string | null;
  readonly summary: string;
  readonly routes: readonly ExplainedRoute[];
}

/** The issue that is explained. */
export interface ExplainedIssue {
  readonly eventId: string;
  readonly monitor: string;
  readonly status: 'firing' | 'resolved' | 'suppressed';
  readonly severity: string;
  readonly startsAt: string;
  readonly endsAt: string | null;
  readonly storedAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a route did about the issue. */
export interface ExplainedRoute {
  readonly id: string;
  readonly name: string;
  /** As it was when the issue was scanned; of a route that is newer, as it is now. */
  readonly version: number;
  readonly matched: boolean;
  /** The part of the query that was true, or the one that was not; null if neither is known. */
  readonly clause: string | null;
  readonly reason: RouteReason;
  readonly summary: string;
  readonly streams: readonly ExplainedStream[];
}

/** What one alert stream did about the issue. */
export interface ExplainedStream {
  readonly workflowId: string;
  readonly connectedAppId: string;
  /** Null if the app was removed. */
  readonly connectedAppName: string | null;
  readonly provider: string | null;
  readonly reason: StreamReason;
  /** Whether a notification was decided, be it delivered or not. */
  readonly notify: boolean;
  readonly decision: ExplainedDecision | null;
  readonly attempts: readonly ExplainedAttempt[];
  readonly outcome: {
    readonly kind: StreamOutcome;
    readonly code: string | null;
    readonly at: string | null;
    readonly externalId: string | null;
  };
  /** Whether the outcome of any attempt was ever unknown. */
  readonly wasUncertain: boolean;
  /** How often the issue was signalled again after it was decided. */
  readonly repeats: number;
  /** Whether an incident is open at the provider at present. */
  readonly openNow: boolean;
  /** Whether the stream owes a resolve: an incident is open, or may be, although the alert has resolved. */
  readonly owed: boolean;
  readonly nextRenotificationNotBefore: string | null;
  /** If it waits because the app is throttled, until when; a probe may end it earlier. */
  readonly throttledUntil: string | null;
  readonly summary: string;
}

/** A decision. Silent ones that were alike are described together. */
export interface ExplainedDecision {
  readonly reason: NotifyReason | SilenceReason;
  readonly kind: NotificationKind | null;
  /** Of silent ones that were alike, the last; null if only the stream's state shows it. */
  readonly at: string | null;
  readonly first?: string;
  readonly last?: string;
  readonly count?: number;
}

/** A delivery attempt. */
export interface ExplainedAttempt {
  readonly at: string;
  /** Which attempt of the notification it was, from 1. */
  readonly attempt: number;
  readonly outcome: LedgerOutcome;
  readonly code: string | null;
  /** HTTP status. */
  readonly status: number | null;
  readonly durationMs: number;
  /** How long the provider asked to wait. */
  readonly waitMs: number | null;
}
