export { DISPATCH_CLASS_USES } from './contract/activity-classes.ts';
export { alertWorkflowId } from './contract/alert-workflow-id.ts';
export type { Decision, LateRule, NotifyDecision } from './contract/decision.ts';
export type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
  UnrecordedOutcome,
} from './contract/delivery-order.ts';
export type { DispatchActivities } from './contract/dispatch-activities.ts';
export { DispatchError } from './contract/errors.ts';
export type { DispatchErrorCode } from './contract/errors.ts';
export { DEFAULT_SIGNAL_POLICY } from './contract/issue-signal.ts';
export type { IssueSignal, IssueStatus, SignalPolicy } from './contract/issue-signal.ts';
export {
  DELIVERY_TASK_QUEUE,
  DISPATCH_DOMAIN,
  DISPATCH_TASK_QUEUE,
  MONITOR_INSTANCE_ALERT,
  MONITOR_INSTANCES,
  MONITOR_INSTANCES_ID,
} from './contract/names.ts';
export { notificationIdOf } from './contract/notification-id.ts';
export { comparePositions } from './contract/position.ts';
export type { Position } from './contract/position.ts';
export type { DropCode, NotifyReason, SilenceReason } from './contract/reasons.ts';
export type { ScanCursor, ScanResult, ScanState } from './contract/scan-state.ts';
export { issueSignal, wakeSignal } from './contract/signals.ts';
export type { SilentRun, StreamKey, StreamState } from './contract/stream-state.ts';
export type { SweepResult } from './contract/sweep-result.ts';
export type { AlertInput, AlertResult, OrchestratorInput } from './contract/workflow-inputs.ts';
export {
  applyDecision,
  applyDelivery,
  applyDrop,
  INITIAL_STREAM_STATE,
  shouldNotify,
} from './stream/should-notify.ts';
