import proto, { type temporal } from '@temporalio/proto';
import type { BreakReason } from './explain-break.ts';
import type { History } from './history-source.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const { EventType } = proto.temporal.api.enums.v1;

/** Where the code leaves the history. */
export interface BreakPlace {
  readonly eventId: number | null;
  readonly eventType: string | null;
  readonly workflowTaskId: number | null;
}

/**
 * Finds the workflow task in which a history breaks, by replaying shorter and shorter beginnings of it: log2(tasks)
 * replays. A beginning ends where a workflow task was started, as a history does that is caught mid-flight.
 */
export async function locateBreak(
  history: History,
  reason: BreakReason,
  breaks: (beginning: History) => Promise<boolean>,
): Promise<BreakPlace> {
  const events = history.events ?? [];
  const ends = endsOfBeginnings(events);
  // Invariant: the beginning that ends at `low` fits, the one at `high` breaks; the whole history breaks.
  let low = -1;
  let high = ends.length;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await breaks({ events: events.slice(0, (ends[middle] ?? 0) + 1) })) high = middle;
    else low = middle;
  }
  const from = low === -1 ? 0 : (ends[low] ?? 0);
  const to = high === ends.length ? events.length : (ends[high] ?? 0) + 1;
  return placeOf(events.slice(from, to), reason);
}

/** The indexes of the events `WorkflowTaskStarted` of tasks that completed. */
function endsOfBeginnings(events: readonly HistoryEvent[]): readonly number[] {
  const ends: number[] = [];
  let started = -1;
  events.forEach(({ eventType }, index) => {
    if (eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED) started = index;
    if (eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED && started >= 0) {
      ends.push(started);
      started = -1;
    }
  });
  return ends;
}

function placeOf(within: readonly HistoryEvent[], { eventId, isEvent }: BreakReason): BreakPlace {
  const completed = within.find(
    ({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
  );
  const event =
    eventId === null
      ? within.find((each) => isEvent?.(each) ?? false)
      : within.find((each) => Number(each.eventId) === eventId);
  return {
    eventId: event === undefined ? eventId : Number(event.eventId),
    eventType: event === undefined ? null : nameOfType(event),
    workflowTaskId: completed === undefined ? null : Number(completed.eventId),
  };
}

/** `ActivityTaskScheduled`, as the Temporal UI shows it. */
function nameOfType({ eventType }: HistoryEvent): string {
  return (EventType[eventType ?? 0] ?? '')
    .replace(/^EVENT_TYPE_/, '')
    .toLowerCase()
    .replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
