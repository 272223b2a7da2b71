import * as v from 'valibot';
import type { Outcome, ResultProblem } from './store/execution-store.ts';

/** Longest result, in bytes of its JSON. A larger one belongs elsewhere, and its name here. */
export const MAX_RESULT_BYTES = 65_536;

/** What the log stores of a result: its JSON, or why not. It is checked as a repeat will read it. Never throws. */
export function toOutcome<T>(schema: v.GenericSchema<unknown, T>, result: T): Outcome {
  const none = (resultProblem: ResultProblem): Outcome => ({ result: null, resultProblem });
  let text: string | null;
  try {
    text = JSON.stringify(result) ?? null;
  } catch {
    return none('invalid');
  }
  if (!readResult(schema, text).isValid) return none('invalid');
  if (text !== null && Buffer.byteLength(text) > MAX_RESULT_BYTES) return none('too_large');
  return { result: text, resultProblem: null };
}

/** A result out of the log; null stands for one that is undefined. A schema that throws accepts nothing. */
export function readResult<T>(
  schema: v.GenericSchema<unknown, T>,
  text: string | null,
): { readonly isValid: true; readonly result: T } | { readonly isValid: false } {
  const value: unknown = text === null ? undefined : JSON.parse(text);
  try {
    const parsed = v.safeParse(schema, value);
    return parsed.success ? { isValid: true, result: parsed.output } : { isValid: false };
  } catch {
    return { isValid: false };
  }
}
