import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { BriefClass, HeartbeatingClass } from '../policies/activity-class.ts';
import type { Heartbeating } from '../policies/heartbeating.ts';
import {
  activityOptions,
  type CallOptions,
  localActivityOptions,
  type LocalCallOptions,
} from '../policies/options.ts';

type Activity = (...args: never[]) => Promise<unknown>;
type Activities<T, F> = { readonly [K in keyof T]: F };

/**
 * The activities of a contract, called with the timeouts and retries of a class. A class with a heartbeat timeout takes only
 * activities that send heartbeats ({@link Heartbeating}): with any other the server would start a second attempt beside the
 * first, and that does not compile.
 *
 * @throws {TypeError} for an option of a call that a class of local activities does not have
 */
export function proxyClass<T extends Activities<T, Heartbeating<Activity>>>(
  policy: HeartbeatingClass,
  call?: CallOptions,
): T;
export function proxyClass<T extends Activities<T, Activity>>(policy: BriefClass, call?: LocalCallOptions): T;
export function proxyClass<T extends Activities<T, Activity>>(
  policy: BriefClass & { readonly kind: 'regular' },
  call?: CallOptions,
): T;
export function proxyClass<T extends Activities<T, Activity>>(
  policy: BriefClass | HeartbeatingClass,
  call: CallOptions = {},
): T {
  // oxlint-disable typescript/no-unsafe-type-assertion -- the brand of Heartbeating exists only for the compiler
  return policy.kind === 'local'
    ? (proxyLocalActivities(localActivityOptions(policy, call)) as unknown as T)
    : (proxyActivities(activityOptions(policy, call)) as unknown as T);
}
