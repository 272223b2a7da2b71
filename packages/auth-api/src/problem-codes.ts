import type { EdgeProblemCode } from '@heliograph/api-contract';

/** The problem codes of this API, beyond those that every API can answer. */
export const AUTH_PROBLEM_CODES = [
  'AUTH_KEY_NOT_FOUND',
  'AUTH_MEMBER_NOT_FOUND',
  'AUTH_ROLE_NOT_FOUND',
  'AUTH_LOGIN_NOT_FOUND',
  'AUTH_NAME_TAKEN',
  'AUTH_MEMBER_EXISTS',
  'AUTH_MEMBER_CHANGED',
  'AUTH_ROLE_CHANGED',
  'AUTH_ROLE_IN_USE',
  'AUTH_LAST_ADMIN',
  'AUTH_CLEAN_UP_RUNNING',
  'AUTH_EXPIRY_PAST',
  'AUTH_GRANT_EXCEEDS_CALLER',
  'AUTH_TENANT_FORBIDDEN',
] as const;

/** A problem code that this API can answer. A newer server may know more of them. */
export type AuthProblemCode = (typeof AUTH_PROBLEM_CODES)[number] | EdgeProblemCode;
