import { expect, test } from '@jest/globals';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { failureConverter } from './failure-converter.ts';

test('message and stack trace of a failure, and of its cause, travel in a payload', () => {
  const error = ApplicationFailure.create({
    message: 'card hunter2 was declined',
    type: 'Declined',
    cause: new Error('hunter2 again'),
  });
  const failure = failureConverter.errorToFailure(error, defaultPayloadConverter);
  const { encodedAttributes, cause, ...clear } = failure;
  const { encodedAttributes: encodedCause, ...clearCause } = cause ?? {};
  expect(JSON.stringify([clear, clearCause])).not.toContain('hunter2');
  expect(Buffer.from(encodedAttributes?.data ?? []).toString()).toContain('card hunter2 was declined');
  expect(Buffer.from(encodedCause?.data ?? []).toString()).toContain('hunter2 again');
  expect(failureConverter.failureToError(failure, defaultPayloadConverter).message).toBe(error.message);
});
