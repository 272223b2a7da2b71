import type { NoSchema, Operation, ResponseSpecs } from '@heliograph/api-contract';
import type { Context } from 'hono';
import type * as v from 'valibot';
import type { Principal } from './authenticator.ts';
import type { ByteHold } from './byte-budget.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

type DeepReadonly<T> = T extends (...args: never) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

type BodyOf<TSpec> = TSpec extends { readonly schema: infer TSchema extends v.GenericSchema }
  ? { readonly body: DeepReadonly<v.InferInput<TSchema>> }
  : { readonly body?: undefined };

/** What a handler answers: one of the declared statuses with the body that belongs to it. */
export type Reply<TResponses extends ResponseSpecs> = {
  [TStatus in keyof TResponses & number]: {
    readonly status: TStatus;
    readonly headers?: Readonly<Record<string, string>>;
  } & BodyOf<TResponses[TStatus]>;
}[keyof TResponses & number];

/** What a handler is given: validated input and the circumstances of the request. */
export interface RouteInput<TParams, TQuery, TBody> {
  readonly params: TParams;
  readonly query: TQuery;
  readonly body: TBody;
  /** Who calls; on a public route the anonymous principal without scopes. */
  readonly principal: Principal;
  readonly headers: Headers;
  readonly requestId: string;
  /** Writes with the request id in every line. */
  readonly logger: Logger;
  readonly clock: Clock;
  /**
   * Counts what the handler holds in memory until the answer has been sent. The body is counted anyway; so is the answer,
   * but only when it is there, and then it is not refused. `take` throws Problem 429 BYTES_LIMITED, 503 OVERLOADED.
   */
  readonly hold: Pick<ByteHold, 'take' | 'release'>;
  /** Is aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** Is aborted when the service begins to stop; long answers end then. */
  readonly draining: AbortSignal;
  /** The context of the HTTP framework, for what this interface does not cover. */
  readonly context: Context;
}

/** An operation and what carries it out; validation, authorisation and OpenAPI all come from the operation. */
export interface RouteDefinition<
  TParams extends v.GenericSchema = NoSchema,
  TQuery extends v.GenericSchema = NoSchema,
  TBody extends v.GenericSchema = NoSchema,
  TResponses extends ResponseSpecs = ResponseSpecs,
  TAccepted extends v.GenericSchema = TBody,
> extends Operation<TParams, TQuery, TBody, TResponses> {
  /**
   * What the edge lets through instead of `body`, which then only describes: for a batch whose handler refuses items
   * one by one. Default: `body`.
   */
  readonly accepts?: TAccepted;
  /**
   * Whether the route also answers behind any prefix: `/decode` then serves `/a/b/decode`. Its path has to be one segment.
   * Default false.
   */
  readonly acceptsPrefix?: boolean;
  readonly handler: (
    input: RouteInput<v.InferOutput<TParams>, v.InferOutput<TQuery>, v.InferOutput<TAccepted>>,
    // NoInfer: or the compiler would infer responses from the reply too, and widen its status to number.
  ) => Promise<Reply<NoInfer<TResponses>> | Response> | Reply<NoInfer<TResponses>> | Response;
}

/** The principal of a public route. */
export const ANONYMOUS: Principal = { id: 'anonymous', scopes: new Set(), roles: new Set() };
