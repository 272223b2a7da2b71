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
}

/** An issue as it is stored. */
export interface StoredIssue extends NewIssue {
  readonly position: Position;
  readonly storedAt: number;
}
