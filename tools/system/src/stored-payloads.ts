import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { temporal } from '@temporalio/proto';

/** A payload as the server holds it. */
export interface StoredPayload {
  /** Where it is: of which workflow, in which event, at which member. */
  readonly place: string;
  readonly encoding: string;
  /** Of an encrypted one. */
  readonly keyId: string | null;
  /** When its event was written, in milliseconds since 1970; null outside of events. */
  readonly writtenAt: number | null;
  /** As it is stored. */
  readonly data: Buffer;
  /**
   * Why it stays in clear: headers and search attributes are read by others than workers, and the SDK's core writes the
   * details of its own markers after everything was encoded.
   */
  readonly plainAs: 'header' | 'searchAttributes' | 'marker' | null;
}

const { EventType, TimeoutType, WorkflowTaskFailedCause } = temporal.api.enums.v1;
const EVENT_TYPES = namesOf(EventType, 'EVENT_TYPE_');
const TIMEOUT_TYPES = namesOf(TimeoutType, 'TIMEOUT_TYPE_');
const FAILURE_CAUSES = namesOf(WorkflowTaskFailedCause, 'WORKFLOW_TASK_FAILED_CAUSE_');

function namesOf(values: object, prefix: string): ReadonlyMap<number, string> {
  return new Map(Object.entries(values).map(([name, value]) => [Number(value), name.replace(prefix, '')]));
}

/** Why a workflow task failed or timed out. */
function causeOf(event: temporal.api.history.v1.IHistoryEvent): readonly string[] {
  const { workflowTaskFailedEventAttributes: failed, workflowTaskTimedOutEventAttributes: timedOut } = event;
  if (failed) return [FAILURE_CAUSES.get(failed.cause ?? 0) ?? 'unknown'];
  return timedOut ? [TIMEOUT_TYPES.get(timedOut.timeoutType ?? 0) ?? 'unknown'] : [];
}

/** What the histories of a namespace hold. */
export interface StoredHistories {
  readonly runs: number;
  readonly payloads: readonly StoredPayload[];
  /** How often each type of event occurs, with its cause if it has one, such as `WORKFLOW_TASK_FAILED UNHANDLED_COMMAND`. */
  readonly events: ReadonlyMap<string, number>;
}

/** Reads all histories of a namespace; the client must have no codec. */
export async function readStoredHistories(client: Client): Promise<StoredHistories> {
  const payloads: StoredPayload[] = [];
  const events = new Map<string, number>();
  let runs = 0;
  for await (const { execution, memo } of listRuns(client)) {
    const { workflowId = '', runId = '' } = execution ?? {};
    runs++;
    payloads.push(...payloadsIn(memo, { place: `${workflowId} memo`, writtenAt: null, plainAs: null }));
    const history = await whenAdmitted(() =>
      client.workflow.getHandle(workflowId ?? '', runId ?? '').fetchHistory(),
    );
    for (const event of history.events ?? []) {
      const { eventType, eventId, eventTime } = event;
      const type = [EVENT_TYPES.get(Number(eventType)) ?? String(eventType), ...causeOf(event)].join(' ');
      events.set(type, (events.get(type) ?? 0) + 1);
      const place = `${workflowId} event ${String(eventId)}`;
      payloads.push(...payloadsIn(event, { place, writtenAt: tsToMs(eventTime), plainAs: null }));
    }
  }
  return { runs, payloads, events };
}

/** As the server lists them: a client without a codec cannot read memos that are encrypted. */
async function* listRuns(
  client: Client,
): AsyncGenerator<temporal.api.workflow.v1.IWorkflowExecutionInfo, void, undefined> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const token: Uint8Array | null = nextPageToken ?? null;
    const page = await whenAdmitted(() =>
      client.workflowService.listWorkflowExecutions({ namespace, nextPageToken: token }),
    );
    yield* page.executions;
    ({ nextPageToken } = page);
  } while ((nextPageToken?.length ?? 0) > 0);
}

/** Repeats a call that the server puts off: beside work of its own it takes only so many reads a second. */
export async function whenAdmitted<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === MOST_TRIES || !/RESOURCE_EXHAUSTED/.test(describe(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const MOST_TRIES = 120;

function describe(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`;
}

function payloadsIn(
  value: unknown,
  where: Pick<StoredPayload, 'place' | 'writtenAt' | 'plainAs'>,
): readonly StoredPayload[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const encoding = metadataOf(value, 'encoding');
  if (encoding !== null) {
    const data: unknown = Reflect.get(value, 'data');
    const bytes = data instanceof Uint8Array || Buffer.isBuffer(data) ? Buffer.from(data) : Buffer.alloc(0);
    return [{ ...where, encoding, keyId: metadataOf(value, 'encryption-key-id'), data: bytes }];
  }
  return Object.entries(value).flatMap(([name, member]) => {
    const place = `${where.place}.${name}`;
    return payloadsIn(member, { ...where, place, plainAs: where.plainAs ?? plainAt(place) });
  });
}

function plainAt(place: string): StoredPayload['plainAs'] {
  if (place.endsWith('.searchAttributes')) return 'searchAttributes';
  if (place.endsWith('.header')) return 'header';
  return /\.markerRecordedEventAttributes\.details\.(?:data|patch-data)$/.test(place) ? 'marker' : null;
}

function metadataOf(value: object, name: string): string | null {
  const metadata: unknown = Object.hasOwn(value, 'metadata') ? Reflect.get(value, 'metadata') : null;
  if (typeof metadata !== 'object' || metadata === null) return null;
  const bytes: unknown = Reflect.get(metadata, name);
  return bytes instanceof Uint8Array || Buffer.isBuffer(bytes) ? Buffer.from(bytes).toString() : null;
}
