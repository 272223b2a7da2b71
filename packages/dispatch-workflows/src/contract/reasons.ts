/** Every reason that leads to a notification. */
export const NOTIFY_REASONS = [
  /** Nothing was open. */
  'new',
  /** Still firing, and the route's renotification interval has passed. */
  'renotify',
  /** Fires again after it was last seen suppressed, whatever the interval. */
  'suppression_bypass',
  /** Resolved, and an incident is open. */
  'resolved',
  /** The resolve was decided before and dropped. */
  'resolve_owed',
] as const;

/** Why a signal leads to a notification. */
export type NotifyReason = (typeof NOTIFY_REASONS)[number];

/** Every reason that leads to none. */
export const SILENCE_REASONS = [
  /** Not newer than what was decided last. */
  'older_than_last',
  /** Still firing, and the route never renotifies. */
  'continuing',
  /** Still firing, and the route's interval has not passed. */
  'renotify_not_due',
  'suppressed',
  /** Resolved, and no incident is open. */
  'resolved_without_notification',
  /** Older than the route's maximum age, for a renotification than the smaller of it and the interval. */
  'stale',
  /** It waited, and so did a newer one of its stream: only the newest counts. */
  'superseded_by_newer',
] as const;

/** Why a signal leads to none. */
export type SilenceReason = (typeof SILENCE_REASONS)[number];

/** Every drop code. */
export const DROP_CODES = [
  'REJECTED',
  'EXPIRED',
  'EXPIRED_RATE_LIMITED',
  'CONNECTED_APP_MISSING',
  'ISSUE_MISSING',
  'SECRET_UNREADABLE',
  /** The stream decided something newer before it was sent, or before an interrupted attempt was settled. */
  'SUPERSEDED',
] as const;

/** Why a notification was dropped. */
export type DropCode = (typeof DROP_CODES)[number];
