import type { Headers, WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { TRACE_HEADER } from '../contract.ts';

/**
 * Hands the trace header with which a workflow was started on to everything the workflow starts. It draws no span
 * and no random number, so it can neither change a history nor differ on replay. It is a workflow interceptor
 * module: give its path to the bundler, also for replays.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let carried: Headers = {};
  return {
    inbound: [
      {
        execute(input, next) {
          const header = input.headers[TRACE_HEADER];
          carried = header === undefined ? {} : { [TRACE_HEADER]: header };
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: { ...input.headers, ...carried } }),
        scheduleLocalActivity: (input, next) => next({ ...input, headers: { ...input.headers, ...carried } }),
        startChildWorkflowExecution: (input, next) =>
          next({ ...input, headers: { ...input.headers, ...carried } }),
        signalWorkflow: (input, next) => next({ ...input, headers: { ...input.headers, ...carried } }),
        continueAsNew: (input, next) => next({ ...input, headers: { ...input.headers, ...carried } }),
      },
    ],
  };
};
