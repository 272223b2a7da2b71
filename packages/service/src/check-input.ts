import type { InputError } from '@heliograph/api-contract';
import * as v from 'valibot';

/** What {@link checkInput} found. */
export type CheckedInput<T> =
  | { readonly kind: 'valid'; readonly value: T }
  | { readonly kind: 'invalid'; readonly errors: readonly InputError[] };

const MAX_ERRORS = 50;

/**
 * Validates a value that came from outside and names what is wrong by JSON pointer, at most 50 errors.
 * The details never repeat what came. For one item of a batch pass `at`, for example `/issues/3`.
 */
export function checkInput<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  at: string = '',
): CheckedInput<v.InferOutput<TSchema>> {
  const result = v.safeParse(schema, value);
  if (result.success) return { kind: 'valid', value: result.output };
  const errors = result.issues
    .slice(0, MAX_ERRORS)
    .map((issue) => ({ pointer: at + pointerOf(issue), detail: detailOf(issue) }));
  return { kind: 'invalid', errors };
}

function pointerOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? [])
    .map((item) => `/${String(item.key).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

// valibot's own messages end in what was received; a message of the schema's author is kept as it is.
function detailOf(issue: v.BaseIssue<unknown>): string {
  if (!/^Invalid .*received /is.test(issue.message)) return issue.message;
  if (issue.expected === 'never') return 'This member is not known.';
  if (issue.expected === null) return `Invalid ${issue.type.replaceAll('_', ' ')}.`;
  return issue.received === 'undefined' ? 'Required.' : `Expected ${issue.expected}.`;
}
