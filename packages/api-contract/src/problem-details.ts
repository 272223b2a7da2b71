import * as v from 'valibot';

/** The problem codes that every operation of every API can answer: input, credentials, headers, trouble behind it. */
export const EDGE_PROBLEM_CODES = [
  'INPUT_INVALID',
  'BODY_NOT_JSON',
  'BODY_NOT_JSON_TYPE',
  'BODY_TOO_LARGE',
  'BODY_TOO_DEEP',
  'BODY_INCOMPLETE',
  'BODY_ENCODING_UNKNOWN',
  'BODY_ENCODING_INVALID',
  'CREDENTIALS_REQUIRED',
  'CREDENTIALS_INVALID',
  'SCOPE_MISSING',
  'MEMBERSHIP_REQUIRED',
  'TENANT_INVALID',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'CURSOR_INVALID',
  'IDEMPOTENCY_KEY_REQUIRED',
  'IDEMPOTENCY_KEY_INVALID',
  'IDEMPOTENCY_KEY_REUSED',
  'IDEMPOTENCY_KEY_RUNNING',
  'IF_MATCH_REQUIRED',
  'IF_MATCH_FAILED',
  'IF_MATCH_INVALID',
  'REQUEST_MALFORMED',
  'REQUEST_TIMEOUT',
  'HEADERS_TOO_LARGE',
  'EXPECTATION_UNKNOWN',
  'BYTES_LIMITED',
  'OVERLOADED',
  'NOT_READY',
  'UNAVAILABLE',
  'INTERNAL',
] as const;

/** A problem code that every operation can answer. */
export type EdgeProblemCode = (typeof EDGE_PROBLEM_CODES)[number];

/** One thing that is wrong with a request. */
export const inputErrorSchema = v.object({
  pointer: v.pipe(
    v.string(),
    v.description('JSON pointer into the body ("/labels/pod"), or the name of a path or query parameter.'),
  ),
  detail: v.pipe(v.string(), v.description('What was expected; the value received is never repeated.')),
});

/** One thing that is wrong with a request. */
export type InputError = Readonly<v.InferOutput<typeof inputErrorSchema>>;

/** Problem details (RFC 9457) as every API answers them; further members may follow. */
export const problemSchema = v.looseObject({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  detail: v.string(),
  instance: v.string(),
  code: v.pipe(v.string(), v.description('Stable; programs decide by it.')),
  requestId: v.string(),
  errors: v.optional(v.array(inputErrorSchema)),
});

/**
 * Problem details as they may also come from something in between, such as a load balancer: a member of another type
 * counts as missing, and takes no other member with it.
 */
export const partialProblemSchema = v.looseObject({
  detail: readable(v.string()),
  code: readable(v.string()),
  requestId: readable(v.string()),
  errors: readable(
    v.pipe(
      v.array(v.unknown()),
      v.transform((errors) => errors.filter((error) => v.is(inputErrorSchema, error))),
    ),
  ),
});

function readable<const TSchema extends v.GenericSchema>(schema: TSchema) {
  return v.fallback(v.optional(schema), undefined);
}
