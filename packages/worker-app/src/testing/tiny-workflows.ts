import { proxyActivities } from '@temporalio/workflow';

/** What the tiny worker can do. */
export interface TinyActivities {
  /** Adds one row to each database and returns how many there are. */
  readonly record: (note: string) => Promise<{ readonly postgres: number; readonly clickhouse: number }>;
  /** Works for as long as it is told, whether or not its worker is stopping. */
  readonly work: (durationMs: number) => Promise<string>;
}

const { record, work } = proxyActivities<TinyActivities>({
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 1 },
});

/** Records a note. */
export async function recording(note: string): Promise<{ postgres: number; clickhouse: number }> {
  return record(note);
}

/** Works for a while. */
export async function working(durationMs: number): Promise<string> {
  return work(durationMs);
}
