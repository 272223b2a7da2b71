import type { IssueStatus } from '../contract/issue-signal.ts';
import type { Position } from '../contract/position.ts';

/** An issue as a monitor reports it, checked and complete. Instants are milliseconds since the epoch. */
export interface NewIssue {
  readonly eventId: string;
  readonly monitor: string;
  /** `[a-z0-9]{1,64}`; see `toFingerprint`. */
  readonly fingerprint: string;
  readonly status: IssueStatus;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: number;
  readonly endsAt: number | null;
  /** Of the content as it was reported, by `eventHashOf`; `0`, the default, where nobody compares it. */
  readonly eventHash?: string;
}

/** An issue as it arrived in a request. */
export interface ReportedIssue extends NewIssue {
  readonly eventHash: string;
  /** False where the event id was made for this request alone, so that no other can have it. */
  readonly mayRepeat: boolean;
  /** False where `startsAt` is the time of the request. */
  readonly startsAtGiven: boolean;
}

/** An event as it is stored: where it was first, and the hash of its content. */
export interface StoredEvent {
  readonly position: Position;
  /** `0` where it was written past the API, or before there were hashes. */
  readonly eventHash: string;
}

/** An issue as it is stored. */
export interface StoredIssue extends NewIssue {
  readonly position: Position;
  readonly storedAt: number;
}
