import type { IssueStatus } from './issue-signal.ts';
import type { Position } from './position.ts';
import type { SilenceReason } from './reasons.ts';

/** Which alert stream: one per fingerprint, route and connected app. */
export interface StreamKey {
  /** `[a-z0-9]{1,64}` */
  readonly fingerprint: string;
  /** `[a-z0-9]{1,64}` */
  readonly routeId: string;
  /** `[a-z0-9]{1,64}` */
  readonly connectedAppId: string;
}

/** What an alert stream remembers; the row `dispatch.stream_state` holds the same. */
export interface StreamState {
  /** Notifications that were delivered, over the whole life of the stream. */
  readonly notificationCount: number;
  readonly lastNotifiedAt: number | null;
  /** Status of the last delivered notification: `firing` means that an incident is open at the provider. */
  readonly status: 'none' | 'firing' | 'resolved';
  /** Position of the newest issue that was decided; older ones are ignored. */
  readonly lastPosition: Position | null;
  /** What a provider called the object that it opened for this stream, by provider name. */
  readonly externalIds: Readonly<Record<string, string>>;
  /** Status of the newest decided issue. */
  readonly lastSeen?: IssueStatus | null;
  /** Position of the issue that opened the latest episode: from a trigger to its resolve, and no further. */
  readonly episode?: Position | null;
  /**
   * A trigger or a resolve in doubt was dropped: an incident may be open at the provider, or may not, so a resolve is sent, and so is the next
   * firing.
   */
  readonly mayBeOpen?: boolean;
  /** The reason of the latest silent decisions, and where it began; null since a notification was decided. */
  readonly silence?: { readonly reason: SilenceReason; readonly since: Position } | null;
}

/** Consecutive silent decisions of one stream that were all alike. */
export interface SilentRun {
  readonly reason: SilenceReason;
  /** Where the run began; it may have begun before `first`. */
  readonly since: Position;
  /** Version of the route. */
  readonly version: number;
  readonly first: { readonly position: Position; readonly at: number };
  readonly last: { readonly position: Position; readonly at: number };
  readonly count: number;
}
