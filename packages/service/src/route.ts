import type { Context } from 'hono';
import type * as v from 'valibot';
import type { Principal } from './authenticator.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

/** The methods a route can have; HEAD is answered by GET. */
export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One possible response: without a schema it has no body. */
export interface ResponseSpec {
  readonly description: string;
  readonly schema?: v.GenericSchema;
  /** Default `application/json`; another type is for handlers that return a `Response`. */
  readonly contentType?: string;
}

/** The responses of a route by status. */
export type ResponseSpecs = Readonly<Record<number, ResponseSpec>>;

/** Nothing was declared, so nothing is handed over. */
export type NoSchema = v.GenericSchema<unknown, undefined>;

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
  /** Is aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** Is aborted when the service begins to stop; long answers end then. */
  readonly draining: AbortSignal;
  /** The context of the HTTP framework, for what this interface does not cover. */
  readonly context: Context;
}

/** One operation of the API; validation, authorisation and OpenAPI all come from this. */
export interface RouteDefinition<
  TParams extends v.GenericSchema = NoSchema,
  TQuery extends v.GenericSchema = NoSchema,
  TBody extends v.GenericSchema = NoSchema,
  TResponses extends ResponseSpecs = ResponseSpecs,
> {
  readonly method: RouteMethod;
  /** Absolute, parameters as `:name`: `/api/v1/routes/:routeId`. */
  readonly path: string;
  /** OpenAPI operation id; default made of method and path. */
  readonly operationId?: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** What a caller's key must hold; null makes the route public. */
  readonly scope: string | null;
  /** Path parameters; they come as text. A mismatch is 400. */
  readonly params?: TParams;
  /** Query parameters; text, and a list of texts where the schema has an array. A mismatch is 400. */
  readonly query?: TQuery;
  /** The JSON body. A mismatch is 422 with pointers. */
  readonly body?: TBody;
  readonly responses: TResponses;
  /** Default: the edge's limit. */
  readonly bodyLimitBytes?: number;
  /** Whether the Idempotency-Key header is honoured or even demanded; default neither. */
  readonly idempotency?: 'optional' | 'required';
  /** Adds a strong ETag to 200 replies of a GET and answers If-None-Match with 304. */
  readonly etag?: boolean;
  readonly handler: (
    input: RouteInput<v.InferOutput<TParams>, v.InferOutput<TQuery>, v.InferOutput<TBody>>,
    // NoInfer: or the compiler would infer responses from the reply too, and widen its status to number.
  ) => Promise<Reply<NoInfer<TResponses>> | Response> | Reply<NoInfer<TResponses>> | Response;
}

/** A route of which only the documentation is of interest. */
export type DocumentedRoute = Omit<
  RouteDefinition<v.GenericSchema, v.GenericSchema, v.GenericSchema>,
  'handler'
>;

/** The principal of a public route. */
export const ANONYMOUS: Principal = { id: 'anonymous', scopes: new Set() };
