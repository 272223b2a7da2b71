export { alertWorkflowId, isIdPart } from './alert-workflow-id.ts';
export {
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
  DeliveryOrder,
  DeliveryResult,
  DispatchActivities,
  DropCode,
  IssueSignal,
  IssueStatus,
  OpenedStream,
  OrchestratorInput,
  Position,
  ScanCursor,
  ScanResult,
  ScanState,
  StreamKey,
  StreamState,
} from './contract.ts';
export { decided, INITIAL_STREAM_STATE, notified, shouldNotify } from './decide/should-notify.ts';
export type { Decision, NotifyReason, SilenceReason } from './decide/should-notify.ts';
export { comparePositions, isPosition, positionAt, positionBefore } from './position.ts';
export { issueSignal, wakeSignal } from './workflows/definitions.ts';
