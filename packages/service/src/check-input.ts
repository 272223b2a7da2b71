import type { InputError } from '@heliograph/api-contract';
import * as v from 'valibot';

/** What {@link checkInput} found. */
export type CheckedInput<T> =
  | { readonly kind: 'valid'; readonly value: T }
  | { readonly kind: 'invalid'; readonly errors: readonly InputError[] };

const MAX_ERRORS = 50;

/** The most values in one input, its own members and theirs, of which every error is collected. */
const MAX_COLLECTED_VALUES = 1000;

/**
 * Validates a value that came from outside and names what is wrong by JSON pointer, at most 50 errors; of a value of more
 * than 1,000 parts the first error only, because a caller could make collecting millions of them take minutes and all
 * memory. The details never repeat what came. For one item of a batch pass `at`, for example `/issues/3`.
 */
export function checkInput<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  at: string = '',
): CheckedInput<v.InferOutput<TSchema>> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return { kind: 'valid', value: result.output };
  const { issues } = hasAtMost(value, MAX_COLLECTED_VALUES) ? v.safeParse(schema, value) : result;
  const errors = (issues ?? result.issues)
    .slice(0, MAX_ERRORS)
    .map((issue) => ({ pointer: at + pointerOf(issue), detail: detailOf(issue) }));
  return { kind: 'invalid', errors };
}

/** Whether a value consists of at most `max` values: itself, its members and theirs. Looks at no more than that. */
function hasAtMost(value: unknown, max: number): boolean {
  let left = max;
  const isWithin = (part: unknown): boolean => {
    if (--left < 0) return false;
    if (typeof part !== 'object' || part === null) return true;
    if (Array.isArray(part)) return part.length <= left && part.every(isWithin);
    for (const name in part) if (!isWithin(Reflect.get(part, name))) return false;
    return true;
  };
  return isWithin(value);
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
