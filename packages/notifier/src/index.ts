export type {
  LookUpResult,
  Notification,
  NotificationKind,
  NotifiedIssue,
  Outcome,
  OutcomeCode,
} from './contract.ts';
