import { type ActivityClass, defineActivityClass } from '../policies/activity-class.ts';
import type { Timeout } from '../policies/limit.ts';

/** The same class with every duration divided, so that its timeouts fire within a test. */
export function scaleClass(policy: ActivityClass, factor: number): ActivityClass {
  const scale = <T extends Timeout>(timeout: T): T =>
    timeout.ms === null ? timeout : { ...timeout, ms: timeout.ms / factor };
  const { startToClose, scheduleToClose, scheduleToStart, heartbeat, retry } = policy;
  const scaled: unknown = {
    ...policy,
    startToClose: scale(startToClose),
    scheduleToClose: scale(scheduleToClose),
    scheduleToStart: scale(scheduleToStart),
    heartbeat: scale(heartbeat),
    retry: {
      ...retry,
      initialInterval: scale(retry.initialInterval),
      maximumInterval: scale(retry.maximumInterval),
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by what it is handed to
  return defineActivityClass(scaled as ActivityClass);
}
