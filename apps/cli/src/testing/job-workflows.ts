import { ACTIVITY_CLASSES, type Heartbeating } from '@heliograph/temporal-worker/policies';
import { proxyClass } from '@heliograph/temporal-worker/workflows';

/** What this workflow calls. */
export interface Jobs {
  readonly count: Heartbeating<() => Promise<void>>;
}

/** Runs one long job. */
export async function countUp(): Promise<void> {
  await proxyClass<Jobs>(ACTIVITY_CLASSES.longJob).count();
}
