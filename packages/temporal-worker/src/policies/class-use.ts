import type { ActivityClass } from './activity-class.ts';

/** Which activities of a package are called by which class; exported by its contract, so that tools can print both. */
export interface ClassUse {
  readonly policy: ActivityClass;
  /** The types of activities, as the server and the metrics name them. */
  readonly activityTypes: readonly string[];
}
