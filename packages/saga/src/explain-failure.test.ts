import { expect, test } from '@jest/globals';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  ServerFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { isFailureForGood, summarizeFailure } from './explain-failure.ts';

const activity = (cause: Error, retryState: RetryState = RetryState.MAXIMUM_ATTEMPTS_REACHED) =>
  new ActivityFailure('Activity task failed', 'book', '1', retryState, 'worker', cause);
const child = (cause: Error) =>
  new ChildWorkflowFailure('default', { workflowId: 'w' }, 'trip', RetryState.RETRY_POLICY_NOT_SET, cause);
const timeout = (type: 'START_TO_CLOSE' | 'HEARTBEAT') => new TimeoutFailure('timed out', undefined, type);

test.each<[string, Error, string, boolean]>([
  ['a refusal of an activity', activity(ApplicationFailure.nonRetryable('no', 'DECLINED')), 'DECLINED', true],
  [
    'one that its policy does not retry',
    activity(ApplicationFailure.retryable('no', 'DECLINED'), RetryState.NON_RETRYABLE_FAILURE),
    'DECLINED',
    true,
  ],
  ['attempts that are used up', activity(ApplicationFailure.retryable('no', 'AWAY')), 'AWAY', false],
  ['a timeout', activity(timeout('START_TO_CLOSE')), 'TIMEOUT_START_TO_CLOSE', false],
  ['a lost heartbeat', activity(timeout('HEARTBEAT')), 'TIMEOUT_HEARTBEAT', false],
  ['an activity that was cancelled', activity(new CancelledFailure('cancelled')), 'CANCELLED', false],
  ['a child that was terminated', child(new TerminatedFailure('terminated')), 'TERMINATED', false],
  [
    'a child whose saga failed',
    child(ApplicationFailure.nonRetryable('no', 'SAGA_FAILED')),
    'SAGA_FAILED',
    true,
  ],
  [
    'a child whose activity was refused',
    child(activity(ApplicationFailure.nonRetryable('no', 'DECLINED'))),
    'DECLINED',
    true,
  ],
  ['a server that refuses', new ServerFailure('no', true), 'ServerFailure', true],
  ['an error without a type', new TypeError('oops'), 'TypeError', false],
])('%s', (_, error, code, isForGood) => {
  expect([summarizeFailure(error).code, isFailureForGood(error)]).toEqual([code, isForGood]);
});

test('a message is cut, since it is carried from run to run', () => {
  expect(summarizeFailure(new Error('x'.repeat(10_000))).message).toHaveLength(500);
});
