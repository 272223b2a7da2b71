import { limit, none } from './limit.ts';
import { defineWorkflowClass } from './workflow-class.ts';

const task = limit('10 s', 'the default of the server; a task that computes for longer is a mistake');
const retry = none('a retry would repeat every effect; what may fail is retried in its activity');

/** Timeouts of workflows by what they are for. A package adds its own with `defineWorkflowClass`. */
export const WORKFLOW_CLASSES = {
  /** Answers somebody who waits, and changes nothing. */
  request: defineWorkflowClass({
    name: 'request',
    use: 'answer somebody who waits; nothing has to be undone',
    hasCompensation: false,
    execution: limit('5 min', 'nobody waits longer, and there is nothing to undo'),
    run: none('the execution timeout covers it: there is one run'),
    task,
    retry,
  }),
  /** Moves money or anything else that has to be undone. */
  moneyMovement: defineWorkflowClass({
    name: 'moneyMovement',
    use: 'move money, or anything else that has to be undone when it does not go through',
    hasCompensation: true,
    execution: none('it would end the run without compensation; a deadline timer inside compensates'),
    run: none('it would end the run without compensation; a deadline timer inside compensates'),
    task,
    retry,
  }),
  /** One per thing that is looked after, as long as there is something to do. */
  entity: defineWorkflowClass({
    name: 'entity',
    use: 'look after one thing, such as an alert stream or a schedule, for as long as it exists',
    hasCompensation: false,
    execution: none('it lives as long as what it looks after'),
    run: none('it continues as new by the size of its history, not by time'),
    task,
    retry,
  }),
  /** Runs long jobs one after another. */
  batch: defineWorkflowClass({
    name: 'batch',
    use: 'run long jobs whose steps may be repeated, and where nothing has to be undone',
    hasCompensation: false,
    execution: limit('7 d', 'a batch that did not end in a week never will, and the next one has to start'),
    run: none('it continues as new by the size of its history, not by time'),
    task,
    retry,
  }),
} as const;
