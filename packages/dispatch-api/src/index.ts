export { API_NAME, API_VERSION, dispatchOperations } from './operations.ts';
export { createDispatchClient } from './client.ts';
export type { AnswerTo, DispatchClient } from './client.ts';
export { ApiError } from '@heliograph/api-contract';
export type { ClientErrorCode, ClientOptions } from '@heliograph/api-contract';
export { idSchema } from './fields.ts';
export { DISPATCH_PROBLEM_CODES } from './problem-codes.ts';
export type { DispatchProblemCode } from './problem-codes.ts';
export { ISSUE_STATUSES, MAX_BATCH, issueInput } from './issues.ts';
export type { IssueInput, StoreIssuesAnswer } from './issues.ts';
export { DEFAULT_MAX_SIGNAL_AGE_MS } from './routes.ts';
export type { RouteInput, RouteView } from './routes.ts';
export { UNCERTAIN_POLICIES } from './connected-apps.ts';
export type { ConnectedAppInput, ConnectedAppView } from './connected-apps.ts';
export {
  ATTEMPT_OUTCOMES,
  DECISION_REASONS,
  NOTIFICATION_KINDS,
  ROUTE_REASONS,
  STREAM_OUTCOMES,
  STREAM_REASONS,
} from './explanation.ts';
export type { ExplanationView } from './explanation.ts';
export type { ResolveDebtView } from './resolve-debts.ts';
