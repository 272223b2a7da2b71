import { createClient, type AnswerOf, type Client, type ClientOptions } from '@heliograph/api-contract';
import { authOperations } from './operations.ts';

/** One method per operation of the API. */
export type AuthClient = Client<typeof authOperations>;

/** What a method of the client resolves to: `AnswerTo<'listKeys'>`. */
export type AnswerTo<TName extends keyof typeof authOperations> = AnswerOf<(typeof authOperations)[TName]>;

/**
 * Creates a client of an app that mounts this API, for Node and browsers. Methods reject with `ApiError`, whose `code` is
 * an `AuthProblemCode` or a `ClientErrorCode`. GETs, `revokeKey`, `revokeLogin`, `revokeLogins`, `revokeNonces` and `cleanUp` are sent again
 * after no answer, 429 or 5xx; nothing else is.
 */
export function createAuthClient(options: ClientOptions): AuthClient {
  return createClient(authOperations, options);
}
