import type * as v from 'valibot';
import type { AnyOperation, ResponseSpec } from './operation.ts';
import type { Tolerant } from './tolerant.ts';

/** Operations by the name of the client's method. */
export type Operations = Readonly<Record<string, AnyOperation>>;

/** Settings of a client. */
export interface ClientOptions {
  /** Where the API is; it may have a path, below which all operations lie. */
  readonly url: string | URL;
  /** Sent as `Authorization: Bearer`, to this address only: redirects are not followed. Default: no key. */
  readonly apiKey?: string | null | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Longest time for one attempt, the body of its answer included, in milliseconds. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  /** How often a request is sent at most, where it may be repeated. Default 3; 1 never repeats. */
  readonly maxAttempts?: number | undefined;
  /**
   * The wait before the second attempt, in milliseconds; it doubles with each further one, up to 5,000, and half of it
   * is random. Retry-After is obeyed up to the same limit; beyond it the request fails at once. Default 200.
   */
  readonly retryDelayMs?: number | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Aborts the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

type Simplify<T> = { readonly [K in keyof T]: T[K] };

type QueryOf<TSchema extends v.GenericSchema> = {
  readonly [K in keyof v.InferInput<TSchema>]:
    | v.InferInput<TSchema>[K]
    | (K extends keyof v.InferOutput<TSchema> ? Extract<v.InferOutput<TSchema>[K], number | boolean> : never);
};

type Part<TKey extends string, T> = undefined extends T
  ? { readonly [K in TKey]?: undefined }
  : object extends T
    ? { readonly [K in TKey]?: T }
    : { readonly [K in TKey]: T };

type SchemaAt<TOperation, TKey extends string> = TOperation extends { readonly [K in TKey]: infer TSchema }
  ? TSchema extends v.GenericSchema
    ? TSchema
    : never
  : never;

type ParamsPart<TOperation> = [SchemaAt<TOperation, 'params'>] extends [never]
  ? unknown
  : Part<'params', v.InferInput<SchemaAt<TOperation, 'params'>>>;
type QueryPart<TOperation> = [SchemaAt<TOperation, 'query'>] extends [never]
  ? unknown
  : Part<'query', QueryOf<SchemaAt<TOperation, 'query'>>>;
type BodyPart<TOperation> = [SchemaAt<TOperation, 'body'>] extends [never]
  ? unknown
  : { readonly body: DeepReadonly<v.InferInput<SchemaAt<TOperation, 'body'>>> };
type KeyPart<TOperation> = TOperation extends { readonly idempotency: 'required' }
  ? { readonly idempotencyKey: string }
  : TOperation extends { readonly idempotency: 'optional' }
    ? { readonly idempotencyKey?: string | undefined }
    : unknown;
type MatchPart<TOperation> = TOperation extends { readonly ifMatch: true }
  ? {
      /** An ETag that was read, or `*`; without it the change is made whatever it overwrites. */
      readonly ifMatch?: string | undefined;
    }
  : unknown;

type DeepReadonly<T> = T extends (...args: never) => unknown
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** What the method of an operation takes: `params`, `query`, `body`, `idempotencyKey`, `ifMatch`, as far as it has them. */
export type RequestOf<TOperation extends AnyOperation> = Simplify<
  ParamsPart<TOperation> &
    QueryPart<TOperation> &
    BodyPart<TOperation> &
    KeyPart<TOperation> &
    MatchPart<TOperation> &
    CallOptions
>;

type BodyOfResponse<TSpec extends ResponseSpec> = TSpec extends {
  readonly schema: infer TSchema extends v.GenericSchema;
}
  ? Tolerant<v.InferOutput<TSchema>>
  : undefined;

/** What the method of an operation resolves to: one of the declared responses. */
export type AnswerOf<TOperation extends AnyOperation> = {
  [TStatus in keyof TOperation['responses'] & number]: {
    readonly status: TStatus;
    readonly body: BodyOfResponse<TOperation['responses'][TStatus]>;
    /** The body as it came. */
    readonly text: string;
    /** The entity tag for `ifMatch`; `null` if the API sent none. */
    readonly etag: string | null;
    readonly requestId: string | null;
    /** How often the request was sent. */
    readonly attempts: number;
  };
}[keyof TOperation['responses'] & number];

/** One method per operation. Each rejects with an `ApiError`, or with the reason of its aborted signal. */
export type Client<TOperations extends Operations> = {
  readonly [K in keyof TOperations]: (
    ...request: object extends RequestOf<TOperations[K]>
      ? [request?: RequestOf<TOperations[K]>]
      : [request: RequestOf<TOperations[K]>]
  ) => Promise<AnswerOf<TOperations[K]>>;
};
