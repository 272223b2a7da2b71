export { createAlertStorm } from './alert-storm.ts';
export type { StormIssue, StormSubject } from './alert-storm.ts';
export { createFaultPlayer, faultScriptSchema } from './fault-script.ts';
export type { Fault, FaultScript } from './fault-script.ts';
export { startNotificationSink } from './notification-sink.ts';
export type { NotificationSink, NotificationSinkOptions, SinkRecord } from './notification-sink.ts';
export { pick, seededRandom } from './random.ts';
export type { Random } from './random.ts';
