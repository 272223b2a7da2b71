import type { TraceStarts } from '@heliograph/temporal-worker/client';
import { MONITOR_INSTANCE_ALERT, MONITOR_INSTANCES } from '../contract/names.ts';

/** Each alert stream has a trace of its own; the endless orchestrator has none, each of its scans has. */
export const DISPATCH_TRACE_STARTS: TraceStarts = {
  [MONITOR_INSTANCE_ALERT]: 'root',
  [MONITOR_INSTANCES]: 'none',
};
