export { defineOperation } from './operation.ts';
export type {
  AnyOperation,
  HttpMethod,
  NoSchema,
  Operation,
  ResponseSpec,
  ResponseSpecs,
} from './operation.ts';
export { EDGE_PROBLEM_CODES, inputErrorSchema, problemSchema } from './problem-details.ts';
export type { EdgeProblemCode, InputError } from './problem-details.ts';
export { MAX_CURSOR_LENGTH, pageOf, pageQuery } from './page.ts';
export type { PageQueryEntries, PageQueryOptions } from './page.ts';
export { instant, instantInput } from './instant.ts';
export { isOneLine } from './one-line.ts';
export { dictionary, losesNames } from './dictionary.ts';
export type { DictionarySchema } from './dictionary.ts';
export { tolerant } from './tolerant.ts';
export type { Tolerant } from './tolerant.ts';
export { createClient } from './client.ts';
export type { AnswerOf, CallOptions, Client, ClientOptions, Operations, RequestOf } from './client-types.ts';
export { ApiError } from './api-error.ts';
export type { ApiErrorParts, ClientErrorCode } from './api-error.ts';
