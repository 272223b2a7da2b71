import type * as v from 'valibot';

/** The methods an operation can have; a server answers HEAD as it answers GET. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One possible response: without a schema it has no body. */
export interface ResponseSpec {
  readonly description: string;
  readonly schema?: v.GenericSchema;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** The responses of an operation by status. */
export type ResponseSpecs = Readonly<Record<number, ResponseSpec>>;

/** Marks a part of a request that an operation does not have. */
export type NoSchema = v.GenericSchema<unknown, undefined>;

/** One operation of an HTTP API: server, OpenAPI document and client all come from this declaration. */
export interface Operation<
  TParams extends v.GenericSchema = NoSchema,
  TQuery extends v.GenericSchema = NoSchema,
  TBody extends v.GenericSchema = NoSchema,
  TResponses extends ResponseSpecs = ResponseSpecs,
> {
  readonly method: HttpMethod;
  /** Absolute, parameters as `:name`: `/api/v1/routes/:id`. */
  readonly path: string;
  /** OpenAPI operation id; default made of method and path. */
  readonly operationId?: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** What a caller's key must hold; `null` makes the operation public. */
  readonly scope: string | null;
  /** Path parameters; they arrive as text. A mismatch is 400. */
  readonly params?: TParams;
  /** Query parameters; text, and a list of texts where the schema has an array. A mismatch is 400. */
  readonly query?: TQuery;
  /** The JSON body. A mismatch is 422 with pointers. */
  readonly body?: TBody;
  readonly responses: TResponses;
  /**
   * Problem codes by status, beyond those that every operation can answer (`EDGE_PROBLEM_CODES`).
   * Without it the operation is free to answer any code.
   */
  readonly problems?: Readonly<Record<number, readonly string[]>>;
  /** In bytes; default the server's limit. */
  readonly bodyLimitBytes?: number;
  /** Whether the Idempotency-Key header is honoured or even demanded; default neither. */
  readonly idempotency?: 'optional' | 'required';
  /** Whether a GET answers with a strong ETag and honours If-None-Match. */
  readonly etag?: boolean;
  /** Whether the If-Match header is honoured. */
  readonly ifMatch?: boolean;
  /**
   * Whether the same request may be sent again although the first one may have been carried out. Default: a GET may,
   * nothing else.
   */
  readonly isRepeatable?: (
    body: unknown,
    request: { readonly idempotencyKey?: string | undefined },
  ) => boolean;
}

/** An operation of which the types of request and responses do not matter. */
export type AnyOperation = Operation<v.GenericSchema, v.GenericSchema, v.GenericSchema>;

/** Declares an operation and keeps the exact types of its schemas. */
export function defineOperation<const TOperation extends AnyOperation>(operation: TOperation): TOperation {
  return operation;
}
