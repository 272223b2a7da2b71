export type {
  LookUpAnswer,
  Notification,
  NotificationKind,
  NotifiedIssue,
  Outcome,
  OutcomeCode,
} from './contract.ts';
