export { alertWorkflowId, isIdPart } from './alert-workflow-id.ts';
export {
  DEFAULT_SIGNAL_POLICY,
  DELIVERY_TASK_QUEUE,
  DISPATCH_TASK_QUEUE,
  ISSUE_SIGNAL,
  MONITOR_INSTANCE_ALERT,
  MONITOR_INSTANCES,
  MONITOR_INSTANCES_ID,
  WAKE_SIGNAL,
} from './contract.ts';
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
} from './contract.ts';
export { notificationIdOf } from './decide/order-for.ts';
export {
  decided,
  givenUp,
  INITIAL_STREAM_STATE,
  LATE_RULES,
  notified,
  shouldNotify,
} from './decide/should-notify.ts';
export type { Decision, LateRule } from './decide/should-notify.ts';
export { comparePositions, isPosition, positionAt, positionBefore } from './position.ts';
export { issueSignal, wakeSignal } from './workflows/definitions.ts';
