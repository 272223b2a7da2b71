export type { Notification, NotificationKind, NotifiedIssue, Outcome, OutcomeCode } from './contract.ts';
