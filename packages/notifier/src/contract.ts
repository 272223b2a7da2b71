/**
 * The contract between whoever decides that people have to be told and the channels that tell them. It is plain
 * data, safe to import anywhere, also in workflow code.
 */

/** What a notification asks of the provider: open something, refresh what is open, or close it. */
export type NotificationKind = 'trigger' | 'update' | 'resolve';

/** The issue that a notification is about. Instants are milliseconds since the epoch. */
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

/** One message to one connected app. */
export interface Notification {
  /** Stable over every attempt of this notification: the receiver's idempotency key. */
  readonly id: string;
  readonly kind: NotificationKind;
  /** Why it is sent, such as `new`, `renotify` or `resolved`. */
  readonly reason: string;
  /** Stable over the life of an alert stream: what groups everything that was ever said of one alert. */
  readonly streamId: string;
  /**
   * Stable from a trigger to its resolve, and another after that: what providers call a dedup key or alias. Several
   * drop or reopen what comes again under a key that was resolved.
   */
  readonly episodeId: string;
  readonly route: { readonly id: string; readonly name: string };
  readonly connectedApp: { readonly id: string; readonly name: string };
  /** How many notifications of this stream were delivered before this one. */
  readonly sequence: number;
  readonly issue: NotifiedIssue;
  /** What the provider called the object that an earlier notification of this stream opened, if it said so. */
  readonly externalId: string | null;
}

/**
 * Machine-readable reasons for an outcome other than `delivered`. `GONE`: the destination no longer exists.
 * `PAYLOAD_REFUSED`: the provider cannot use what was sent. `PROVIDER_ERROR`: it failed or refused in words of its own,
 * whatever the status. `UNEXPECTED_ANSWER`: the answer is none that the provider
 * gives, so whoever gave it may or may not have passed the request on. `PARTIAL_FAILURE`: the provider failed halfway.
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
  | 'CONNECT_FAILED'
  | 'ADDRESS_NOT_ALLOWED'
  | 'SETTINGS_INVALID'
  | 'TIMEOUT'
  | 'CONNECTION_LOST'
  | 'ABORTED';

/**
 * What became of one attempt.
 *
 * - `delivered`: the provider accepted it.
 * - `rejected`: the provider did not take it; `retryable` says whether the same request may pass later.
 * - `rate-limited`: not taken; the provider asks to wait `retryAfterMs` milliseconds.
 * - `uncertain`: the request may have arrived and no answer says so. A resend carries the same notification id.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly externalId: string | null; readonly status: number }
  | {
      readonly kind: 'rejected';
      readonly retryable: boolean;
      readonly code: OutcomeCode;
      readonly status: number | null;
      /** The provider's own word for it, out of the words that its channel knows; never free text. */
      readonly providerCode?: string;
    }
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number; readonly status: number }
  | { readonly kind: 'uncertain'; readonly code: OutcomeCode };

/** What a provider says when it is asked whether a notification arrived. */
export type LookUpAnswer = 'delivered' | 'not-delivered' | 'unknown';
