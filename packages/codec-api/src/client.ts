import { createClient, type AnswerOf, type Client, type ClientOptions } from '@heliograph/api-contract';
import { codecOperations } from './operations.ts';

/** One method per operation of the codec server's API. */
export type CodecClient = Client<typeof codecOperations>;

/** What a method of the client resolves to: `AnswerTo<'listAuditEntries'>`. */
export type AnswerTo<TName extends keyof typeof codecOperations> = AnswerOf<(typeof codecOperations)[TName]>;

/**
 * Creates a client of the codec server's API, for Node and browsers. Methods reject with `ApiError`. GETs are sent again
 * after no answer, 429 or 5xx.
 */
export function createCodecClient(options: ClientOptions): CodecClient {
  return createClient(codecOperations, options);
}
