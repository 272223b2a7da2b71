import { problem, type Ids, type Problem } from '@heliograph/service';
import { AuthError, type AuthErrorCode } from '../errors.ts';

const STATUS: Readonly<Record<AuthErrorCode, number>> = {
  AUTH_KEY_NOT_FOUND: 404,
  AUTH_MEMBER_NOT_FOUND: 404,
  AUTH_ROLE_NOT_FOUND: 404,
  AUTH_LOGIN_NOT_FOUND: 404,
  AUTH_NAME_TAKEN: 409,
  AUTH_MEMBER_EXISTS: 409,
  AUTH_ROLE_IN_USE: 409,
  AUTH_LAST_ADMIN: 409,
  AUTH_CLEAN_UP_RUNNING: 409,
  AUTH_MEMBER_CHANGED: 412,
  AUTH_ROLE_CHANGED: 412,
  AUTH_EXPIRY_PAST: 422,
  AUTH_GRANT_EXCEEDS_CALLER: 403,
  AUTH_TENANT_FORBIDDEN: 403,
};

/** Runs what may be refused, and throws the refusal as a problem. `statuses` overrules the status of a code. */
export async function translateRefusal<T>(
  run: () => Promise<T> | T,
  statuses: Partial<Record<AuthErrorCode, number>> = {},
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    throw toProblem(error, statuses);
  }
}

function toProblem(error: AuthError, statuses: Partial<Record<AuthErrorCode, number>>): Problem {
  return problem(statuses[error.code] ?? STATUS[error.code], error.code, sentenceOf(error.message), {
    cause: error,
  });
}

function sentenceOf(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** Generates a UUIDv7 without its hyphens, the form of ids in paths. */
export function nextId(ids: Ids): string {
  return ids.next().replaceAll('-', '').toLowerCase();
}

/** An instant as the API shows it. */
export function toIso(at: number): string {
  return new Date(at).toISOString();
}
