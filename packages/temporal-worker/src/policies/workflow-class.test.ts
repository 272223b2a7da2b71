import { describe, expect, test } from '@jest/globals';
import { limit, none } from './limit.ts';
import { defineWorkflowClass, type WorkflowClass } from './workflow-class.ts';
import { WORKFLOW_CLASSES } from './workflow-classes.ts';

const { moneyMovement, request } = WORKFLOW_CLASSES;
const define = (given: object) => (): WorkflowClass => defineWorkflowClass(given as WorkflowClass);

describe('a class is refused where it is declared, in one line', () => {
  const { execution: _, ...withoutExecution } = request;
  test.each([
    [withoutExecution, /^workflow class request: execution: it is missing; state a value/],
    [{ ...request, task: none('it is quick') }, /task/],
    [{ ...request, task: limit('3 min', 'it is slow') }, /task: the server allows at most 120 s/],
    [{ ...request, run: limit('1 h', 'it is slow') }, /run: it has to be at most execution/],
    [{ ...moneyMovement, execution: limit('1 d', 'why not') }, /execution: a run with compensation has none/],
    [{ ...moneyMovement, run: limit('1 d', 'why not') }, /run: a run with compensation has none/],
  ])('%#', (given, message) => {
    expect(define(given)).toThrow(
      expect.objectContaining({
        code: 'TEMPORAL_POLICY_INVALID',
        message: expect.stringMatching(message),
      }),
    );
  });
});

test('a run that moves money has no execution timeout, and one does not compile', () => {
  expect(moneyMovement.execution.ms).toBeNull();
  expect(moneyMovement.run.ms).toBeNull();
  expect(() =>
    // @ts-expect-error -- it would end without compensation
    defineWorkflowClass({ ...moneyMovement, execution: limit('1 d', 'why not') }),
  ).toThrow('runWithDeadline');
});
