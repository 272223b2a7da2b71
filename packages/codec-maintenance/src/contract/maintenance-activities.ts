import type { CollectionResult, KeyUseReport, RotationCounts } from './results.ts';

/** One batch of a rotation. */
export interface RotationBatch {
  readonly counts: RotationCounts;
  /** The name of the last object; null at the end. */
  readonly next: string | null;
}

/** The activities of maintenance. Each may be repeated at any time, and goes on where its last heartbeat was. */
export interface MaintenanceActivities {
  /** Deletes stored payloads that no history names any more. */
  collectStored(): Promise<CollectionResult>;
  /** Encrypts a batch of stored payloads with the active key of their domain. */
  reencryptStored(after: string | null): Promise<RotationBatch>;
  /** Counts what names which key: open and retained runs, and schedules. */
  countKeyUse(): Promise<KeyUseReport>;
}

/** Where a rotation goes on. */
export interface RotationInput {
  readonly after?: string | null;
  readonly counts?: RotationCounts;
}
