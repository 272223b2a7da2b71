/** What is refused, or does not exist. */
export type AuthErrorCode =
  | 'AUTH_KEY_NOT_FOUND'
  | 'AUTH_MEMBER_NOT_FOUND'
  | 'AUTH_ROLE_NOT_FOUND'
  | 'AUTH_LOGIN_NOT_FOUND'
  | 'AUTH_NAME_TAKEN'
  | 'AUTH_MEMBER_EXISTS'
  | 'AUTH_MEMBER_CHANGED'
  | 'AUTH_ROLE_CHANGED'
  | 'AUTH_ROLE_IN_USE'
  | 'AUTH_LAST_ADMIN'
  | 'AUTH_CLEAN_UP_RUNNING'
  | 'AUTH_EXPIRY_PAST'
  | 'AUTH_GRANT_EXCEEDS_CALLER'
  | 'AUTH_TENANT_FORBIDDEN';

/** Thrown by stores and decisions of this package. The message names ids, scopes and roles, and never a key or token. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: AuthErrorCode;
  /** Whether the same call may pass later. */
  readonly retryable: boolean;

  constructor(code: AuthErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = code === 'AUTH_CLEAN_UP_RUNNING';
  }
}
