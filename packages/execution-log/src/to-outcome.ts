import * as v from 'valibot';
import type { Outcome } from './store/execution-store.ts';

/** Longest result, in bytes of its JSON. A larger one belongs elsewhere, and its name here. */
export const MAX_RESULT_BYTES = 65_536;

/** What the log stores of a result: its JSON, or why not. It is checked as a repeat will read it. */
export function toOutcome<T>(schema: v.GenericSchema<unknown, T>, result: T): Outcome {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch {
    return { result: null, resultProblem: 'invalid' };
  }
  if (!readResult(schema, text ?? null).success) return { result: null, resultProblem: 'invalid' };
  if (text !== undefined && Buffer.byteLength(text) > MAX_RESULT_BYTES)
    return { result: null, resultProblem: 'too_large' };
  return { result: text ?? null, resultProblem: null };
}

/** A result out of the log; null stands for one that is undefined. */
export function readResult<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string | null,
): v.SafeParseResult<v.GenericSchema<unknown, T>> {
  const value: unknown = text === null ? undefined : JSON.parse(text);
  return v.safeParse(schema, value);
}
