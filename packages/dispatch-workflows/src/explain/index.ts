export { createExplainer } from './create-explainer.ts';
export type { Explainer, ExplainQuestion, ExplainStores } from './create-explainer.ts';
export { EXPLAINED_REASONS, ROUTE_REASONS, STREAM_OUTCOMES, STREAM_REASONS } from './explanation.ts';
export type {
  ExplainedAttempt,
  ExplainedDecision,
  ExplainedIssue,
  ExplainedRoute,
  ExplainedStream,
  Explanation,
  RouteReason,
  StreamOutcome,
  StreamReason,
} from './explanation.ts';
