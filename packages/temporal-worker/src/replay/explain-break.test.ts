import { describe, expect, test } from '@jest/globals';
import { explainBreak, explainFailure } from './explain-break.ts';

const ndeMessage = (details: string) =>
  'Replay failed with a nondeterminism error. This means that the workflow code as written is not compatible with the ' +
  `history that was fed in. Details: Workflow activation completion failed: Failure { failure: Some(Failure { message: "[TMPRL1100] Nondeterminism error: ${details.replaceAll('"', '\\"')}", source: "", stack_trace: "", encoded_attributes: None, cause: None, failure_info: Some(ApplicationFailureInfo(x)) }), force_cause: NonDeterministicError }`;

describe('what the SDK says becomes a sentence', () => {
  test.each([
    [
      'Activity machine does not handle this event: HistoryEvent(id: 5, TimerStarted)',
      'the history has TimerStarted, but the code asks for an activity there',
      5,
    ],
    [
      'Complete workflow machine does not handle this event: HistoryEvent(id: 11, WorkflowExecutionFailed)',
      'the history has WorkflowExecutionFailed, but the code asks for its end as completed there',
      11,
    ],
    [
      'No command scheduled for event HistoryEvent(id: 17, ActivityTaskScheduled)',
      'the history has ActivityTaskScheduled, but the code asks for nothing there',
      17,
    ],
    [
      "Activity type of scheduled event 'charge' does not match activity type of activity command 'ship'",
      'the history has the activity charge, but the code asks for ship',
      null,
    ],
    [
      "Child workflow id of scheduled event 'a-1' does not match child workflow id of command 'b-1'",
      'the history has the child workflow with the id a-1, but the code asks for b-1',
      null,
    ],
    [
      "Activity type of recorded marker 'charge' does not match activity type of local activity command 'ship'",
      'the history has the local activity charge, but the code asks for ship',
      null,
    ],
    [
      'Non-deprecated patch marker encountered for change charge-first, but there is no corresponding change command!',
      'the history has the patch charge-first, but the code asks for no patch; it was removed too early (deprecatePatch comes first)',
      null,
    ],
    [
      'Unheard of machine does not handle this event: HistoryEvent(id: 3, NexusOperationScheduled)',
      'the history has NexusOperationScheduled, but the code asks for Unheard of there',
      3,
    ],
  ])('%s', (details, why, eventId) => {
    const reason = explainBreak(ndeMessage(details));
    expect([reason.why, reason.eventId]).toEqual([why, eventId]);
  });

  test('of a whole event nothing is shown, for it holds payloads', () => {
    const { why } = explainBreak(
      ndeMessage(
        'During event handling, this event had an initial command ID but we could not find a matching command for it: HistoryEvent { event_id: 7, attributes: Some(data: [104, 117, 110]) }',
      ),
    );
    expect(why).toBe(
      'During event handling, this event had an initial command ID but we could not find a matching command for it: …',
    );
  });
});

describe('a failure of the code becomes one line', () => {
  const failed = (message: string, stack: string) =>
    `Replay failed due workflow task failure. Details: Workflow activation completion failed: Failure { failure: Some(Failure { message: "${message}", source: "TypeScriptSDK", stack_trace: "${stack}", encoded_attributes: None }), force_cause: Unspecified }`;

  test('with its place in the source', () => {
    expect(
      explainFailure(
        failed(
          "Cannot read properties of undefined (reading 'map')",
          String.raw`/app/workflow-bundle-27.js:66\n  throw e;\n\nTypeError: Cannot\n    at Script.runInContext (node:vm:150:12)\n    at map (/app/src/orders.ts:40:16)`,
        ),
      ),
    ).toBe("Cannot read properties of undefined (reading 'map') (/app/src/orders.ts:40:16)");
  });

  test('without one, where only the SDK is in the stack', () => {
    expect(
      explainFailure(
        failed(
          String.raw`no \"such\" type\nsecond line`,
          String.raw`Error: x\n    at init (/app/node_modules/@temporalio/workflow/src/worker-interface.ts:99:12)`,
        ),
      ),
    ).toBe('no "such" type');
  });
});
