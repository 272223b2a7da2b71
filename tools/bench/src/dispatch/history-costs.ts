import type { BenchGround } from './bench-ground.ts';

/** What the server recorded of some workflows. */
export interface HistoryCosts {
  readonly eventsPerWorkflow: number;
  readonly signalsPerWorkflowTask: number;
}

const SIGNALED = 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED';
const TASK_COMPLETED = 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED';

/** Reads the histories of at most `sample` workflows of a block. */
export async function readHistoryCosts(
  ground: BenchGround,
  routeId: string,
  sample: number,
): Promise<HistoryCosts> {
  let workflows = 0;
  let events = 0;
  let signals = 0;
  let tasks = 0;
  const list = ground.client.workflow.list({
    query: `HeliographRoute = '${routeId}' AND ExecutionStatus = 'Completed'`,
  });
  for await (const { workflowId, runId } of list) {
    const history = await ground.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const types = (history.events ?? []).map(({ eventType }) => eventNames[eventType ?? 0]);
    workflows++;
    events += types.length;
    signals += types.filter((type) => type === SIGNALED).length;
    tasks += types.filter((type) => type === TASK_COMPLETED).length;
    if (workflows === sample) break;
  }
  return { eventsPerWorkflow: events / workflows, signalsPerWorkflowTask: signals / tasks };
}

/** The two numbers of `temporal.api.enums.v1.EventType` that are counted. */
const eventNames: Readonly<Record<number, string>> = { 26: SIGNALED, 7: TASK_COMPLETED };
