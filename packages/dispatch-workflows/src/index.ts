export { alertWorkflowId, isIdPart } from './contract/alert-workflow-id.ts';
export {
  DEFAULT_SIGNAL_POLICY,
  DELIVERY_TASK_QUEUE,
  DISPATCH_TASK_QUEUE,
  ISSUE_SIGNAL,
  MONITOR_INSTANCE_ALERT,
  MONITOR_INSTANCES,
  MONITOR_INSTANCES_ID,
  WAKE_SIGNAL,
} from './contract/contract.ts';
export type {
  AlertInput,
  AlertResult,
  DeliveryOrder,
  DeliveryResult,
  DispatchActivities,
  DropCode,
  FirstSignal,
  IssueSignal,
  IssueStatus,
  NotifyReason,
  OpenedStream,
  OrchestratorInput,
  Position,
  ScanCursor,
  ScanResult,
  ScanState,
  SignalPolicy,
  SilenceReason,
  SilentRun,
  StreamKey,
  StreamRecord,
  StreamState,
  SweepResult,
  UnrecordedOutcome,
} from './contract/contract.ts';
export { notificationIdOf } from './stream/order-for.ts';
export {
  decided,
  givenUp,
  INITIAL_STREAM_STATE,
  LATE_RULES,
  notified,
  shouldNotify,
} from './stream/should-notify.ts';
export type { Decision, LateRule } from './stream/should-notify.ts';
export { comparePositions, isPosition, positionAt, positionBefore } from './contract/position.ts';
export { issueSignal, wakeSignal } from './contract/signals.ts';
