import type { EdgeProblemCode } from '@heliograph/api-contract';

/** The query of a route does not parse, is ambiguous, too long or too complex; `position` says where. */
export const QUERY_PROBLEM_CODES = [
  'QUERY_TOO_LONG',
  'QUERY_TOO_COMPLEX',
  'QUERY_UNEXPECTED_END',
  'QUERY_UNEXPECTED_TOKEN',
  'QUERY_UNTERMINATED_QUOTE',
  'QUERY_FIELD_EXPECTED',
  'QUERY_VALUE_EXPECTED',
  'QUERY_NUMBER_EXPECTED',
  'QUERY_AMBIGUOUS',
] as const;

/** The provider of a connected app does not exist, or does not take its settings or secret. */
export const PROVIDER_PROBLEM_CODES = [
  'NOTIFIER_PROVIDER_UNKNOWN',
  'NOTIFIER_SETTINGS_INVALID',
  'NOTIFIER_SECRET_INVALID',
] as const;

/** The problem codes of this API, beyond those that every API can answer. */
export const DISPATCH_PROBLEM_CODES = [
  'ISSUES_INVALID',
  'ISSUES_EVENT_ID_REUSED',
  'DISPATCH_ALERT_UNKNOWN',
  'DISPATCH_ROUTE_NOT_FOUND',
  'DISPATCH_ROUTE_CHANGED',
  'DISPATCH_CONNECTED_APP_NOT_FOUND',
  'DISPATCH_CONNECTED_APP_CHANGED',
  'DISPATCH_CONNECTED_APP_IN_USE',
  'DISPATCH_NAME_TAKEN',
  ...QUERY_PROBLEM_CODES,
  ...PROVIDER_PROBLEM_CODES,
] as const;

/** A problem code that this API can answer. A newer server may know more of them. */
export type DispatchProblemCode = (typeof DISPATCH_PROBLEM_CODES)[number] | EdgeProblemCode;
