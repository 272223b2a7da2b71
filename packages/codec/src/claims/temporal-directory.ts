import proto from '@temporalio/proto';
import type { ExecutionDirectory } from './execution-directory.ts';

type Service = ReturnType<typeof proto.temporal.api.workflowservice.v1.WorkflowService.create>;
type ExecutionInfo = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;

const SCHEDULED_BY = 'TemporalScheduledById';
const NOT_FOUND = 5;
const decoder = new TextDecoder();

/**
 * Asks the Temporal Server. Visibility lags behind, so what it does not list is asked for by id as well; a collector looks
 * again after its grace period before it believes either.
 */
export function createTemporalDirectory({
  workflowService,
  namespace,
}: {
  /** Of a connection of the SDK's client. */
  readonly workflowService: Service;
  readonly namespace: string;
}): ExecutionDirectory {
  const list = async function* (query: string, signal: AbortSignal, pageSize = 1000) {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      signal.throwIfAborted();
      const page = await workflowService.listWorkflowExecutions({
        namespace,
        query,
        pageSize,
        nextPageToken,
      });
      yield* page.executions;
      nextPageToken = page.nextPageToken ?? new Uint8Array();
    } while (nextPageToken.length > 0);
  };
  const hasListed = async (query: string, signal: AbortSignal): Promise<boolean> => {
    for await (const _ of list(query, signal, 1)) return true;
    return false;
  };
  const describe = (workflowId: string) =>
    orNull(
      workflowService
        .describeWorkflowExecution({ namespace, execution: { workflowId } })
        .then(({ workflowExecutionInfo }) => workflowExecutionInfo ?? null),
    );
  const familiesOf = async (workflowId: string, signal: AbortSignal): Promise<readonly string[] | null> => {
    const current = await describe(workflowId);
    if (current !== null) return familiesIn(current);
    // Executions of a schedule have the time behind the id of its action.
    return (await hasListed(`WorkflowId STARTS_WITH ${quote(`${workflowId}-`)}`, signal)) ? [] : null;
  };
  return {
    readRetentionMs: async () => {
      const { config } = await workflowService.describeNamespace({ namespace });
      return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
    },
    findFamilies: async (workflowIds, signal) => {
      const found = new Map<string, Set<string>>();
      const add = (workflowId: string, families: readonly string[]): void => {
        found.set(workflowId, new Set([...(found.get(workflowId) ?? []), ...families]));
      };
      for (const [workflowId, scheduleId] of await readSchedules(workflowService, namespace, signal))
        if (workflowIds.includes(workflowId)) add(workflowId, [`schedule:${scheduleId}`]);
      for await (const info of list(`WorkflowId IN (${workflowIds.map(quote).join(', ')})`, signal))
        add(info.execution?.workflowId ?? '', familiesIn(info));
      for (const workflowId of workflowIds) {
        if (found.has(workflowId)) continue;
        const families = await familiesOf(workflowId, signal);
        if (families !== null) add(workflowId, families);
      }
      return new Map([...found].map(([workflowId, families]) => [workflowId, [...families]]));
    },
    hasAny: async (families, signal) => {
      for (const family of families) {
        const [kind, id] = [family.slice(0, family.indexOf(':')), family.slice(family.indexOf(':') + 1)];
        const isThere =
          kind === 'schedule'
            ? (await orNull(workflowService.describeSchedule({ namespace, scheduleId: id }))) !== null ||
              (await hasListed(`${SCHEDULED_BY} = ${quote(id)}`, signal))
            : (await describe(id)) !== null || (await hasListed(`RootWorkflowId = ${quote(id)}`, signal));
        if (isThere) return true;
      }
      return false;
    },
  };
}

/** The action's workflow id and the schedule's id, of every schedule that starts workflows. */
async function readSchedules(
  workflowService: Service,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    signal.throwIfAborted();
    const page = await workflowService.listSchedules({ namespace, maximumPageSize: 100, nextPageToken });
    for (const { scheduleId } of page.schedules ?? []) {
      if (typeof scheduleId !== 'string') continue;
      const described = await orNull(workflowService.describeSchedule({ namespace, scheduleId }));
      const workflowId = described?.schedule?.action?.startWorkflow?.workflowId;
      if (typeof workflowId === 'string') found.push([workflowId, scheduleId]);
    }
    nextPageToken = page.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
  return found;
}

function familiesIn({ execution, rootExecution, searchAttributes }: ExecutionInfo): readonly string[] {
  const schedule = searchAttributes?.indexedFields?.[SCHEDULED_BY]?.data;
  const scheduleId: unknown = schedule == null ? null : JSON.parse(decoder.decode(schedule));
  return [
    `root:${rootExecution?.workflowId ?? execution?.workflowId ?? ''}`,
    ...(typeof scheduleId === 'string' ? [`schedule:${scheduleId}`] : []),
  ];
}

/** Null for what the server does not have. */
async function orNull<T>(answer: Promise<T | null>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return null;
    throw error;
  }
}

/** A text in a query of visibility. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
