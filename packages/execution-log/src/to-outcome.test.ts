import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { MAX_RESULT_BYTES, readResult, toOutcome } from './to-outcome.ts';

const charge = v.object({ id: v.string() });

test('a result is stored as a repeat reads it', () => {
  const outcome = toOutcome(charge, { id: 'ch_1' });
  expect(outcome).toEqual({ result: '{"id":"ch_1"}', resultProblem: null });
  expect(readResult(charge, outcome.result)).toEqual({ isValid: true, result: { id: 'ch_1' } });
  expect(toOutcome(v.undefined(), undefined)).toEqual({ result: null, resultProblem: null });
  expect(readResult(v.undefined(), null)).toEqual({ isValid: true, result: undefined });
});

test('a schema that throws accepts nothing, neither when it is stored nor when it is read', () => {
  const url = v.pipe(
    v.string(),
    v.transform((text) => new URL(text)),
  );
  expect(toOutcome(url as v.GenericSchema<unknown, unknown>, 'not a url')).toEqual({
    result: null,
    resultProblem: 'invalid',
  });
  expect(readResult(url, '"not a url"')).toEqual({ isValid: false });
});

test.each([
  ['of another shape', { id: 5 }, 'invalid'],
  ['that is a circle', circle(), 'invalid'],
  ['that JSON does not hold', { id: 5n }, 'invalid'],
  ['that is too large', { id: 'x'.repeat(MAX_RESULT_BYTES) }, 'too_large'],
])('a result %s is not stored', (_, result, resultProblem) => {
  expect(toOutcome(charge, result as unknown as { id: string })).toEqual({ result: null, resultProblem });
});

function circle(): object {
  const one: { self?: object } = {};
  one.self = one;
  return one;
}
