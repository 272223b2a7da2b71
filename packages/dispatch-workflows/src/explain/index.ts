export { createExplainer } from './create-explainer.ts';
export type { Explainer, ExplainQuestion, ExplainStores } from './create-explainer.ts';
export { explainAlert } from './explain-alert.ts';
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
export type { AppPicture, ExplainFacts } from './facts.ts';
