import type { Connection } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { msToTs } from '@temporalio/common/lib/time.js';

type Config = temporal.api.common.v1.TimeSkippingConfig.$Properties;

/**
 * Makes every workflow that is started over this connection live in virtual time: whenever it waits for nothing
 * but a timer or a retry, the server jumps there. Give it a connection of its own. Needs Temporal Server ≥ 1.32
 * with `frontend.WorkflowTimeSkippingEnabled`; older servers ignore it silently and the test just sleeps.
 *
 * Activities live in real time: hand them durations, never instants of the workflow. Continue-as-new bends the
 * virtual clock, so assert durations within one run only.
 */
export function skipTime(
  connection: Connection,
  config: Config = { enabled: true, maxSessionSkipCount: 10_000 },
): Connection {
  const service = connection.workflowService;
  const start = service.startWorkflowExecution.bind(service);
  const signal = service.signalWithStartWorkflowExecution.bind(service);
  const multi = service.executeMultiOperation.bind(service);
  // The generated methods have overloads for callbacks; the SDK only calls the one that returns a promise.
  Object.assign(service, {
    startWorkflowExecution: (request: object) => start({ ...request, timeSkippingConfig: config }),
    signalWithStartWorkflowExecution: (request: object) => signal({ ...request, timeSkippingConfig: config }),
    executeMultiOperation: (request: temporal.api.workflowservice.v1.IExecuteMultiOperationRequest) =>
      multi({
        ...request,
        operations: (request.operations ?? []).map((operation) =>
          operation.startWorkflow
            ? { ...operation, startWorkflow: { ...operation.startWorkflow, timeSkippingConfig: config } }
            : operation,
        ),
      }),
  });
  return connection;
}

/** A start configuration that runs `durationMs` ahead and then waits in virtual time; `legId` names the leg. */
export function fastForward(legId: string, durationMs: number): Config {
  return { enabled: true, fastForwardConfig: { id: legId, duration: msToTs(durationMs) } };
}

/** Waits until a workflow's virtual clock has reached the end of a leg. */
export async function reachedLeg(
  connection: Connection,
  where: { readonly namespace: string; readonly workflowId: string; readonly legId: string },
): Promise<void> {
  await connection.workflowService.pollWorkflowExecutionTimeSkipping({
    namespace: where.namespace,
    workflowExecution: { workflowId: where.workflowId },
    fastForwardId: where.legId,
  });
}
