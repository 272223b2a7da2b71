import type { Payload } from '@temporalio/common';

/** What {@link findPayloads} finds, and where: `events[3].activityTaskScheduledEventAttributes.input.payloads[0]`. */
export type Found =
  | { readonly kind: 'payload'; readonly place: string; readonly payload: Payload }
  /** Message and stack trace of a failure that no failure converter has encoded. */
  | { readonly kind: 'text'; readonly place: string };

/** Markers that the SDK's core writes, and those of their details that no payload codec ever sees. */
const CORE_DETAILS: Readonly<Record<string, readonly string[]>> = {
  core_local_activity: ['data'],
  core_patch: ['patch-data', 'patch'],
};

/**
 * Finds every payload in what the Temporal Server stores: a history, a description, an entry of visibility, a schedule.
 * It knows payloads by their shape, so it needs no list of places, and it looks into failures, their causes, memos,
 * summaries, and results of local activities. What no codec encodes is left out: headers, search attributes, and what the
 * SDK's core itself writes into markers. Queries are not stored, so there are none.
 *
 * Pure, and in memory for one record; deep records do not exhaust the stack.
 */
export function* findPayloads(record: unknown, root = ''): Generator<Found> {
  const waiting: { readonly value: unknown; readonly place: string }[] = [{ value: record, place: root }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, place } = next;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    if (isPayload(value)) {
      yield { kind: 'payload', place, payload: value };
      continue;
    }
    if (isClearFailure(value)) yield { kind: 'text', place };
    const inside = Array.isArray(value)
      ? value.map((member: unknown, index) => ({ value: member, place: `${place}[${index}]` }))
      : Object.entries(withoutCoreDetails(value))
          .filter(([name, member]) => !isClearByDesign(name, member))
          .map(([name, member]) => ({ value: member, place: place === '' ? name : `${place}.${name}` }));
    waiting.push(...inside.toReversed());
  }
}

/** A memo may have fields that are named `metadata` and `data`; those are payloads, and not bytes. */
function isPayload(value: object): value is Payload {
  if (!('metadata' in value) || !('data' in value)) return false;
  const { metadata, data } = value;
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((member) => member instanceof Uint8Array) &&
    (data === null || data === undefined || data instanceof Uint8Array)
  );
}

/** Failures that the server or the SDK's core makes, such as timeouts, hold no text of an application; only SDKs name themselves. */
function isClearFailure(value: object): boolean {
  if (!('stackTrace' in value) || !('message' in value) || !('source' in value)) return false;
  const { source } = value;
  const hasText = [value.message, value.stackTrace].some((text) => typeof text === 'string' && text !== '');
  const encoded = 'encodedAttributes' in value ? value.encodedAttributes : null;
  const isOfSdk = typeof source === 'string' && source !== '' && source !== 'Server';
  return hasText && isOfSdk && (encoded ?? null) === null;
}

/** By shape as well: a field of a memo may have any name. */
function isClearByDesign(name: string, member: unknown): boolean {
  if (typeof member !== 'object' || member === null || isPayload(member)) return false;
  return (
    (name === 'header' && 'fields' in member) || (name === 'searchAttributes' && 'indexedFields' in member)
  );
}

function withoutCoreDetails(value: object): object {
  if (!('markerName' in value) || !('details' in value)) return value;
  const { markerName, details } = value;
  const own =
    typeof markerName === 'string' && Object.hasOwn(CORE_DETAILS, markerName)
      ? CORE_DETAILS[markerName]
      : null;
  if (own === null || own === undefined || typeof details !== 'object' || details === null) return value;
  const kept = Object.entries(details).filter(([name]) => !own.includes(name));
  return { ...value, details: Object.fromEntries(kept) };
}
