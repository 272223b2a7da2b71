import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

/** What the tiny worker can do. */
export interface TinyActivities {
  /** Adds one row to each database and returns how many there are. */
  readonly record: (note: string) => Promise<{ readonly postgres: number; readonly clickhouse: number }>;
  /** Works for as long as it is told, whether or not its worker is stopping. */
  readonly work: (durationMs: number) => Promise<string>;
}

/** What the tiny keeper can do. */
export interface KeeperActivities {
  /** Returns what it was given, from behind. */
  readonly reverse: (text: string) => Promise<string>;
}

const { record, work, reverse } = proxyActivities<TinyActivities & KeeperActivities>({
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

export const releaseSignal = defineSignal('release');

/** Has a text reversed, keeps it until it is released, and has it reversed again. */
export async function keeping(text: string): Promise<string> {
  let isReleased = false;
  setHandler(releaseSignal, () => {
    isReleased = true;
  });
  const reversed = await reverse(text);
  await condition(() => isReleased);
  return reverse(reversed);
}
