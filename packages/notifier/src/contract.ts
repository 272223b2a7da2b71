/**
 * The contract between the code that decides to notify and the channels that deliver notifications. It is plain data,
 * safe to import anywhere, including workflow code.
 */

/** What a notification does at the provider: open an incident, update it, or resolve it. */
export type NotificationKind = 'trigger' | 'update' | 'resolve';

/** The issue that a notification is about. Timestamps are milliseconds since the epoch. */
export interface NotifiedIssue {
  readonly eventId: string;
  readonly monitor: string;
  readonly fingerprint: string;
  readonly status: 'firing' | 'resolved' | 'suppressed';
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: number;
  readonly endsAt: number | null;
}

/** A notification for one connected app. */
export interface Notification {
  /** The same for every delivery attempt of this notification: the receiver's idempotency key. */
  readonly id: string;
  readonly kind: NotificationKind;
  /** Why the notification is sent, for example `new`, `renotify` or `resolved`. */
  readonly reason: string;
  /** The alert stream, the same for its whole life: groups all notifications about one alert. */
  readonly streamId: string;
  /**
   * The same from a trigger to its resolve, and new for the next trigger: what providers call a deduplication key or
   * alias. A resolved key cannot be reused, because several providers drop or reopen an incident that comes again.
   */
  readonly episodeId: string;
  readonly route: { readonly id: string; readonly name: string };
  readonly connectedApp: { readonly id: string; readonly name: string };
  /** The number of notifications of this stream that were delivered before this one. */
  readonly sequence: number;
  readonly issue: NotifiedIssue;
  /** The provider's id of the incident that an earlier notification of this stream opened; null if it returned none. */
  readonly externalId: string | null;
}

/**
 * Why an attempt was not delivered. `GONE`: the destination no longer exists. `PAYLOAD_REFUSED`: the provider does not
 * accept the body. `PROVIDER_ERROR`: the provider reported an error code of its own, whatever the HTTP status.
 * `UNEXPECTED_ANSWER`: the response is not one the provider sends, so a proxy may have answered in its place and may or
 * may not have forwarded the request. `PARTIAL_FAILURE`: the provider failed after part of the work may have succeeded.
 */
export type OutcomeCode =
  | 'HTTP_STATUS'
  | 'PAYLOAD_REFUSED'
  | 'PROVIDER_ERROR'
  | 'UNEXPECTED_ANSWER'
  | 'PARTIAL_FAILURE'
  | 'REDIRECT_REFUSED'
  | 'GONE'
  | 'UNAUTHORIZED'
  | 'NOT_SENT'
  | 'CONNECT_FAILED'
  | 'ADDRESS_NOT_ALLOWED'
  | 'SETTINGS_INVALID'
  | 'TIMEOUT'
  | 'CONNECTION_LOST'
  | 'ABORTED';

/**
 * The outcome of one delivery attempt.
 *
 * - `delivered`: the provider accepted the notification.
 * - `rejected`: the notification was not delivered; `retryable` is true if the same request may succeed later.
 * - `rate-limited`: the provider did not accept the notification and asks to wait `retryAfterMs` milliseconds.
 * - `uncertain`: in doubt. The request may have arrived, but no response confirms it. A resend carries the same
 *   notification id.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly externalId: string | null; readonly status: number }
  | {
      readonly kind: 'rejected';
      readonly retryable: boolean;
      readonly code: OutcomeCode;
      readonly status: number | null;
      /** The provider's error code, if the channel knows it; never free text. */
      readonly providerCode?: string;
    }
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number; readonly status: number }
  | { readonly kind: 'uncertain'; readonly code: OutcomeCode };

/** Whether a notification arrived, according to the provider. */
export type LookUpResult = 'delivered' | 'not-delivered' | 'unknown';
