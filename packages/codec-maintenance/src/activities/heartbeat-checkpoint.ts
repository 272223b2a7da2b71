import { activityInfo, heartbeat } from '@temporalio/activity';
import * as v from 'valibot';

/** Heartbeats of an activity that go on while it waits, each with where another attempt can go on. */
export interface Checkpoints<T> {
  /** Where the attempt before was; null for the first one, and for what cannot be read. */
  readonly last: T | null;
  save(checkpoint: T): void;
  /** Ends the heartbeats. */
  stop(): void;
}

/** Well below the heartbeat timeout of the workflows, which is 20 s. */
const EVERY_MS = 5000;

/** Keeps heartbeats going: one page of a slow store may take longer than a heartbeat timeout. */
export function keepCheckpoints<T>(schema: v.GenericSchema<unknown, T>): Checkpoints<T> {
  const parsed = v.safeParse(schema, activityInfo().heartbeatDetails);
  let last = parsed.success ? parsed.output : null;
  const beat = (): void => heartbeat(last ?? undefined);
  beat();
  const timer = setInterval(beat, EVERY_MS);
  return {
    last,
    save: (checkpoint) => {
      last = checkpoint;
      beat();
    },
    stop: () => clearInterval(timer),
  };
}
