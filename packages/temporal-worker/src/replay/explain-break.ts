import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** What the SDK said of a replay that failed, without its surroundings. */
export interface BreakReason {
  /** One sentence: what the history has and what the code does instead. Never a payload. */
  readonly why: string;
  /** The event that the SDK names; null if it names none. */
  readonly eventId: number | null;
  /** Recognizes the event, where the SDK tells what is wrong with it but not which it is. */
  readonly isEvent: ((event: HistoryEvent) => boolean) | null;
}

/** The machines of the SDK's core, by what the code asks for when it makes one. */
const ASKED_FOR: Readonly<Record<string, string>> = {
  Activity: 'an activity',
  'Cancel external WF': 'the cancellation of another workflow',
  'Cancel workflow': 'its end as cancelled',
  Change: 'a patch (patched or deprecatePatch)',
  'Child workflow': 'a child workflow',
  'Complete workflow': 'its end as completed',
  'Continue as new workflow': 'continue-as-new',
  'Fail workflow': 'its end as failed',
  'Local activity': 'a local activity',
  'Nexus operation': 'a Nexus operation',
  'Signal external WF': 'a signal to another workflow',
  Timer: 'a timer',
  Update: 'the answer to an update',
};

const DETAILS = 'Details: ';
const EVENT = /HistoryEvent\(id: (\d+), (?:Some\()?(\w+)\)?\)/;
const TYPES = [
  {
    pattern:
      /^Activity type of scheduled event '(.*)' does not match activity type of activity command '(.*)'$/,
    what: 'activity',
    nameOf: (event: HistoryEvent) => event.activityTaskScheduledEventAttributes?.activityType?.name,
  },
  {
    pattern: /^Activity id of scheduled event '(.*)' does not match activity id of activity command '(.*)'$/,
    what: 'activity with the id',
    nameOf: (event: HistoryEvent) => event.activityTaskScheduledEventAttributes?.activityId,
  },
  {
    pattern:
      /^Child workflow type of scheduled event '(.*)' does not match child workflow type of command '(.*)'$/,
    what: 'child workflow',
    nameOf: (event: HistoryEvent) =>
      event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowType?.name,
  },
  {
    pattern:
      /^Child workflow id of scheduled event '(.*)' does not match child workflow id of command '(.*)'$/,
    what: 'child workflow with the id',
    nameOf: (event: HistoryEvent) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId,
  },
  {
    pattern:
      /^Activity type of recorded marker '(.*)' does not match activity type of local activity command '(.*)'$/,
    what: 'local activity',
    nameOf: null,
  },
  {
    pattern:
      /^Activity id of recorded marker '(.*)' does not match activity id of local activity command '(.*)'$/,
    what: 'local activity with the id',
    nameOf: null,
  },
] as const;

/** Puts what the SDK says of a history that does not fit the code into a sentence. */
export function explainBreak(message: string): BreakReason {
  const details = detailsOf(message);
  const [, id, type = 'an event'] = EVENT.exec(details) ?? [];
  const eventId = id === undefined ? null : Number(id);
  const machine = /^(.+?) machine (?:does not handle|cannot handle) this event/.exec(details)?.[1];
  if (machine !== undefined)
    return {
      why: `the history has ${type}, but the code asks for ${ASKED_FOR[machine] ?? machine} there`,
      eventId,
      isEvent: null,
    };
  if (details.startsWith('No command scheduled for event'))
    return { why: `the history has ${type}, but the code asks for nothing there`, eventId, isEvent: null };
  for (const { pattern, what, nameOf } of TYPES) {
    const [, recorded, asked] = pattern.exec(details) ?? [];
    if (recorded === undefined) continue;
    return {
      why: `the history has the ${what} ${recorded}, but the code asks for ${asked ?? ''}`,
      eventId,
      isEvent: nameOf === null ? isLocalActivity : (event) => nameOf(event) === recorded,
    };
  }
  const patch = /^Non-deprecated patch marker encountered for change (.+?), but there is no/.exec(
    details,
  )?.[1];
  if (patch !== undefined)
    return {
      why: `the history has the patch ${patch}, but the code asks for no patch; it was removed too early (deprecatePatch comes first)`,
      eventId,
      isEvent: (event) => isPatch(event),
    };
  // What is left may show a whole event with its payloads.
  return { why: firstLine(details).replace(/\b\w+ ?\{.*$/s, '…'), eventId, isEvent: null };
}

/** Puts a failure of the code itself into a sentence, with its place in the source where one is known. */
export function explainFailure(message: string): string {
  const place =
    /\n +at (?:.*\()?((?!.*(?:node_modules|evalmachine|node:|workflow-bundle-))[^()\n]+:\d+:\d+)/.exec(
      quoted(message, 'stack_trace') ?? '',
    )?.[1];
  return `${firstLine(detailsOf(message))}${place === undefined ? '' : ` (${place})`}`;
}

function detailsOf(message: string): string {
  const at = message.indexOf(DETAILS);
  const details = at === -1 ? message : message.slice(at + DETAILS.length);
  return (quoted(details, 'message') ?? details)
    .replace(/^.*?\[TMPRL1100\] Nondeterminism error: /s, '')
    .replace(/^Fatal error in workflow machines: /, '')
    .trim();
}

/** The first field of this name in what Rust prints of a structure. */
function quoted(text: string, field: string): string | null {
  const literal = new RegExp(`\\b${field}: "((?:[^"\\\\]|\\\\.)*)"`, 's').exec(text)?.[1];
  return literal === undefined
    ? null
    : literal.replaceAll(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

function isPatch(event: HistoryEvent): boolean {
  return event.markerRecordedEventAttributes?.markerName === 'core_patch';
}

function isLocalActivity(event: HistoryEvent): boolean {
  return event.markerRecordedEventAttributes?.markerName === 'core_local_activity';
}
