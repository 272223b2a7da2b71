import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  NexusOperationFailure,
  RetryState,
  ServerFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import type { FailureSummary } from './state.ts';

const MAX_MESSAGE = 500;

/** What is kept of an error: the type of an application failure, or what else it is, and its message. */
export function summarizeFailure(error: unknown): FailureSummary {
  const origin = unwrap(error);
  const message = origin instanceof Error ? origin.message : String(origin);
  return { code: codeOf(origin), message: message.slice(0, MAX_MESSAGE) };
}

/**
 * Whether trying again cannot help: somewhere in its causes there is a failure that is not retryable. A timeout, a
 * cancelled or terminated attempt and a used-up limit of attempts say nothing of that kind.
 */
export function isFailureForGood(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ApplicationFailure || at instanceof ServerFailure) {
      if (at.nonRetryable === true) return true;
    } else if (at instanceof ActivityFailure || at instanceof ChildWorkflowFailure) {
      if (at.retryState === RetryState.NON_RETRYABLE_FAILURE) return true;
    }
  }
  return false;
}

/** The failure itself, without what says where it came from. */
function unwrap(error: unknown): unknown {
  let at = error;
  while (
    (at instanceof ActivityFailure ||
      at instanceof ChildWorkflowFailure ||
      at instanceof NexusOperationFailure) &&
    at.cause !== undefined
  )
    at = at.cause;
  return at;
}

function codeOf(error: unknown): string {
  if (error instanceof ApplicationFailure) return error.type ?? 'ApplicationFailure';
  if (error instanceof TimeoutFailure) return `TIMEOUT_${error.timeoutType}`;
  if (error instanceof CancelledFailure) return 'CANCELLED';
  if (error instanceof TerminatedFailure) return 'TERMINATED';
  return error instanceof Error ? error.name : 'UNKNOWN';
}
