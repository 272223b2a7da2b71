import type proto from '@temporalio/proto';
import type { ExecutionDirectory } from './execution-directory.ts';

/** The part of a connection's `workflowService` that is used here. */
export interface DirectoryService {
  describeNamespace(
    request: proto.temporal.api.workflowservice.v1.IDescribeNamespaceRequest,
  ): Promise<proto.temporal.api.workflowservice.v1.DescribeNamespaceResponse>;
  describeSchedule(
    request: proto.temporal.api.workflowservice.v1.IDescribeScheduleRequest,
  ): Promise<proto.temporal.api.workflowservice.v1.DescribeScheduleResponse>;
  describeWorkflowExecution(
    request: proto.temporal.api.workflowservice.v1.IDescribeWorkflowExecutionRequest,
  ): Promise<proto.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse>;
  listSchedules(
    request: proto.temporal.api.workflowservice.v1.IListSchedulesRequest,
  ): Promise<proto.temporal.api.workflowservice.v1.ListSchedulesResponse>;
  listWorkflowExecutions(
    request: proto.temporal.api.workflowservice.v1.IListWorkflowExecutionsRequest,
  ): Promise<proto.temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse>;
}
type ExecutionInfo = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;
/** An attribute that executions are looked for by; always a keyword. */
type Attribute = 'WorkflowId' | 'RootWorkflowId' | 'TemporalScheduledById';

const SCHEDULED_BY = 'TemporalScheduledById';
const NOT_FOUND = 5;
const decoder = new TextDecoder();

/**
 * Asks the Temporal Server. Visibility lags behind, so what it does not list is asked for by id as well; a collector looks
 * again after its grace period before it believes either.
 */
export function createTemporalDirectory({
  workflowService: service,
  namespace,
}: {
  /** Of a connection of the SDK's client. */
  readonly workflowService: DirectoryService;
  readonly namespace: string;
}): ExecutionDirectory {
  const describe = async (workflowId: string): Promise<ExecutionInfo | null> => {
    const execution = { workflowId };
    const found = await orNull(service.describeWorkflowExecution({ namespace, execution }));
    return found?.workflowExecutionInfo ?? null;
  };
  const list = async function* (query: string, signal: AbortSignal, pageSize = 1000) {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      signal.throwIfAborted();
      const page = await service.listWorkflowExecutions({ namespace, query, pageSize, nextPageToken });
      yield* page.executions;
      nextPageToken = page.nextPageToken ?? new Uint8Array();
    } while (nextPageToken.length > 0);
  };
  const has = async (
    attribute: Attribute,
    sought: string,
    isSought: (value: string) => boolean,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const pageSize = isQuotable(sought) ? 10 : 1000;
    for await (const info of list(startsWith(attribute, sought), signal, pageSize))
      if (isSought(valueOf(info, attribute))) return true;
    return false;
  };
  const hasFamily = async (family: string, signal: AbortSignal): Promise<boolean> => {
    const at = family.indexOf(':');
    const id = family.slice(at + 1);
    const isId = (value: string): boolean => value === id;
    if (family.slice(0, at) !== 'schedule')
      return (await describe(id)) !== null || (await has('RootWorkflowId', id, isId, signal));
    const schedule = await orNull(service.describeSchedule({ namespace, scheduleId: id }));
    return schedule !== null || (await has(SCHEDULED_BY, id, isId, signal));
  };
  return {
    readRetentionMs: async () => {
      const { config } = await service.describeNamespace({ namespace });
      return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
    },
    findFamilies: async (workflowIds, signal) => {
      const sought = new Set(workflowIds);
      const found = new Map<string, Set<string>>();
      const add = (workflowId: string, families: readonly string[]): void => {
        if (!sought.has(workflowId)) return;
        found.set(workflowId, new Set([...(found.get(workflowId) ?? []), ...families]));
      };
      for (const { workflowId, scheduleId } of await readSchedules(service, namespace, signal))
        add(workflowId, [`schedule:${scheduleId}`]);
      const quotable = workflowIds.filter(isQuotable);
      const queries = workflowIds.filter((id) => !isQuotable(id)).map((id) => startsWith('WorkflowId', id));
      if (quotable.length > 0) queries.push(`WorkflowId IN (${quotable.map(quote).join(', ')})`);
      for (const query of queries)
        for await (const info of list(query, signal)) add(valueOf(info, 'WorkflowId'), familiesIn(info));
      for (const workflowId of workflowIds) {
        if (found.has(workflowId)) continue;
        const current = await describe(workflowId);
        if (current !== null) add(workflowId, familiesIn(current));
        // Executions of a schedule have the time behind the id of its action.
        const isDerived = (value: string): boolean => value.startsWith(`${workflowId}-`);
        if (await has('WorkflowId', `${workflowId}-`, isDerived, signal)) add(workflowId, []);
      }
      return new Map([...found].map(([workflowId, families]) => [workflowId, [...families]]));
    },
    hasAny: async (families, signal) => {
      for (const family of families) if (await hasFamily(family, signal)) return true;
      return false;
    },
  };
}

/** Every schedule that starts workflows. */
async function readSchedules(
  service: DirectoryService,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly { readonly workflowId: string; readonly scheduleId: string }[]> {
  const found: { readonly workflowId: string; readonly scheduleId: string }[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    signal.throwIfAborted();
    const page = await service.listSchedules({ namespace, maximumPageSize: 100, nextPageToken });
    for (const { scheduleId } of page.schedules ?? []) {
      if (typeof scheduleId !== 'string') continue;
      const described = await orNull(service.describeSchedule({ namespace, scheduleId }));
      const workflowId = described?.schedule?.action?.startWorkflow?.workflowId;
      if (typeof workflowId === 'string') found.push({ workflowId, scheduleId });
    }
    nextPageToken = page.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
  return found;
}

function familiesIn(info: ExecutionInfo): readonly string[] {
  const scheduleId = valueOf(info, SCHEDULED_BY);
  return [
    `root:${valueOf(info, 'RootWorkflowId')}`,
    ...(scheduleId === '' ? [] : [`schedule:${scheduleId}`]),
  ];
}

function valueOf(
  { execution, rootExecution, searchAttributes }: ExecutionInfo,
  attribute: Attribute,
): string {
  const workflowId = execution?.workflowId ?? '';
  if (attribute === 'WorkflowId') return workflowId;
  if (attribute === 'RootWorkflowId') return rootExecution?.workflowId ?? workflowId;
  const data = searchAttributes?.indexedFields?.[attribute]?.data;
  const value: unknown = data === undefined || data === null ? null : JSON.parse(decoder.decode(data));
  return typeof value === 'string' ? value : '';
}

/** Server 1.32 finds no value with one of these, however it is quoted. */
function isQuotable(text: string): boolean {
  return !/["\\]/.test(text);
}

/** A query for what begins with a text, or with the part of it that can be quoted: then it lists more than that. */
function startsWith(attribute: Attribute, text: string): string {
  const prefix = text.replace(/["\\].*$/s, '');
  return prefix === '' ? '' : `${attribute} STARTS_WITH ${quote(prefix)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Null for what the server does not have. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return null;
    throw error;
  }
}
