import { proxyActivities } from '@temporalio/workflow';
import type { ActivityClass, HeartbeatingClass } from '../policies/activity-class.ts';
import type { Heartbeating } from '../policies/heartbeating.ts';
import { activityOptions } from '../policies/options.ts';
import { proxyClass } from '../workflows/proxy-class.ts';

/** What these workflows call. */
export interface LongJobs {
  readonly count: Heartbeating<(upTo: number) => Promise<string>>;
}

/** Runs one long job with the timeouts of a class. */
export async function runJob(policy: HeartbeatingClass, upTo: number): Promise<string> {
  return proxyClass<LongJobs>(policy).count(upTo);
}

/** Calls it as any other activity, past the types. */
export async function runJobWithout(policy: ActivityClass, upTo: number): Promise<string> {
  return proxyActivities<LongJobs>(activityOptions(policy)).count(upTo);
}
