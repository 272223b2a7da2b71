/** Names that live in histories and databases and so are permanent. */

/** Task queue of both workflows and of their activities. */
export const DISPATCH_TASK_QUEUE = 'dispatch';
/**
 * Task queue of patient deliveries. They hold their slots while they wait, so they have slots of their own: a receiver
 * that is down must not delay scans or state rows.
 */
export const DELIVERY_TASK_QUEUE = 'dispatch-deliveries';
/** Domain of the keys that encrypt the payloads of both workflows; it is authenticated in each. */
export const DISPATCH_DOMAIN = 'dispatch';
/** Workflow type of the orchestrator. */
export const MONITOR_INSTANCES = 'monitorInstances';
/** The one id under which the orchestrator runs: a second one cannot start. */
export const MONITOR_INSTANCES_ID = 'monitor-instances';
/** Workflow type of one alert stream. */
export const MONITOR_INSTANCE_ALERT = 'monitorInstanceAlert';
/** Signal that hands an issue to its alert stream. */
export const ISSUE_SIGNAL = 'issue';
/** Signal that makes the orchestrator scan now instead of at the end of its interval. */
export const WAKE_SIGNAL = 'wake';
