import { createClient, type AnswerOf, type Client, type ClientOptions } from '@heliograph/api-contract';
import { dispatchOperations } from './operations.ts';

/** One method per operation of the Dispatch Center's API. */
export type DispatchClient = Client<typeof dispatchOperations>;

/** What a method of the client resolves to: `AnswerTo<'explainAlert'>`. */
export type AnswerTo<TName extends keyof typeof dispatchOperations> = AnswerOf<
  (typeof dispatchOperations)[TName]
>;

/**
 * Creates a client of the Dispatch Center's API, for Node and browsers. Methods reject with `ApiError`, whose `code` is a
 * `DispatchProblemCode` or a `ClientErrorCode`. GETs are sent again after no answer, 429 or 5xx, and so is `storeIssues`
 * if every issue has an `eventId`; nothing else is.
 */
export function createDispatchClient(options: ClientOptions): DispatchClient {
  return createClient(dispatchOperations, options);
}
