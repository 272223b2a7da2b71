import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import type { Payload } from '@temporalio/common';
import { jsonPayload } from '../testing/payloads.ts';
import { findPayloads } from './find-payloads.ts';

/** The part of protobufjs' reflection that is used here. */
interface Field {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly map: boolean;
  readonly resolvedType: Type | null;
  resolve(): Field;
}
interface Type {
  readonly fullName: string;
  readonly fieldsArray?: readonly Field[];
}
interface Root {
  lookupType(name: string): Type;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- protobufjs' reflection has no types here
const root = createRequire(import.meta.url)('@temporalio/proto/protos/json-module.js') as Root;

/** Fills every field of a message that can lead to a payload, and notes each place with the payload there. */
function fill(type: Type, place: string, path: readonly string[], places: Map<string, boolean>): object {
  const message: Record<string, unknown> = {};
  for (const field of type.fieldsArray ?? []) {
    const inner = field.resolve().resolvedType;
    if (inner === null || inner.fieldsArray === undefined) continue;
    const name = inner.fullName.slice(1);
    // Failures have causes, which are failures; twice is deep enough to see both.
    if (path.filter((each) => each === name).length > 1) continue;
    const at = `${place}${place === '' ? '' : '.'}${field.name}${field.map ? '.some' : field.repeated ? '[0]' : ''}`;
    const isClear =
      /(?:^|\.)(?:Header|SearchAttributes)$/.test(path.at(-1) ?? '') &&
      ['fields', 'indexedFields'].includes(field.name);
    const value =
      name === 'temporal.api.common.v1.Payload'
        ? payloadAt(at, isClear, places)
        : fill(inner, at, [...path, name], places);
    message[field.name] = field.map ? { some: value } : field.repeated ? [value] : value;
  }
  return message;
}

function payloadAt(place: string, isClear: boolean, places: Map<string, boolean>): Payload {
  places.set(place, !isClear);
  return jsonPayload(place);
}

const placesIn = (record: unknown) =>
  [...findPayloads(record)].flatMap((found) => (found.kind === 'payload' ? found.place : []));

describe('every payload that a message can hold is found', () => {
  test.each([
    ['temporal.api.history.v1.HistoryEvent', 60],
    ['temporal.api.workflow.v1.WorkflowExecutionInfo', 1],
    ['temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse', 10],
    ['temporal.api.workflowservice.v1.DescribeScheduleResponse', 5],
    ['temporal.api.workflowservice.v1.DescribeActivityExecutionResponse', 5],
  ])('%s', (name, atLeast) => {
    const places = new Map<string, boolean>();
    const message = fill(root.lookupType(name), '', [name], places);
    const expected = [...places].flatMap(([place, isWanted]) => (isWanted ? place : []));
    expect(expected.length).toBeGreaterThanOrEqual(atLeast);
    expect(new Set(placesIn(message))).toEqual(new Set(expected));
  });
});

describe('places', () => {
  test('are those of the record, in its order', () => {
    const record = {
      events: [
        {
          workflowExecutionStartedEventAttributes: { input: { payloads: [jsonPayload(1), jsonPayload(2)] } },
        },
        { userMetadata: { summary: jsonPayload(3) } },
      ],
    };
    expect(placesIn(record)).toEqual([
      'events[0].workflowExecutionStartedEventAttributes.input.payloads[0]',
      'events[0].workflowExecutionStartedEventAttributes.input.payloads[1]',
      'events[1].userMetadata.summary',
    ]);
  });

  test.each([
    ['metadata'],
    ['data'],
    ['header'],
    ['searchAttributes'],
    ['fields'],
    ['payloads'],
    ['markerName'],
  ])('a field of a memo that is named %s hides nothing', (name) => {
    const fields = { [name]: jsonPayload('secret'), metadata: jsonPayload(1), data: jsonPayload(2) };
    expect(placesIn({ memo: { fields } })).toContain(`memo.fields.${name}`);
    expect(placesIn({ memo: { fields } })).toContain('memo.fields.data');
  });

  test('headers and search attributes are left out: no codec encodes them', () => {
    expect(
      placesIn({
        header: { fields: { trace: jsonPayload(1) } },
        searchAttributes: { indexedFields: { Status: jsonPayload(2) } },
      }),
    ).toEqual([]);
  });

  test.each([
    ['core_local_activity', ['patch-data.payloads[0]', 'result.payloads[0]']],
    ['core_patch', ['data.payloads[0]', 'result.payloads[0]']],
    ['constructor', ['data.payloads[0]', 'patch-data.payloads[0]', 'result.payloads[0]']],
  ])('of a marker %s, what the core wrote is left out', (markerName, details) => {
    const payloads = { payloads: [jsonPayload(1)] };
    const marker = { markerName, details: { data: payloads, 'patch-data': payloads, result: payloads } };
    expect(placesIn(marker).toSorted()).toEqual(details.map((place) => `details.${place}`));
  });

  test('a record of any depth is walked', () => {
    let failure: object = { encodedAttributes: jsonPayload('deep') };
    for (let depth = 0; depth < 50_000; depth++) failure = { cause: failure };
    expect(placesIn(failure)).toHaveLength(1);
  });

  test.each([null, undefined, 1, 'text', new Uint8Array(3), []])('%j holds nothing', (record) => {
    expect([...findPayloads(record)]).toEqual([]);
  });
});

describe('text of failures', () => {
  const failure = {
    message: 'no such card: 4111',
    source: 'TypeScriptSDK',
    stackTrace: '',
    encodedAttributes: null,
    applicationFailureInfo: { type: 'Declined' },
  };
  test.each([
    ['in clear', {}, ['failure']],
    ['encoded', { message: 'Encoded failure', encodedAttributes: jsonPayload(1) }, []],
    ['of the server', { source: 'Server' }, []],
    ["of the SDK's core", { source: '' }, []],
    ['without text', { message: '' }, []],
    ['with a stack only', { message: '', stackTrace: 'at f' }, ['failure']],
  ])('%s', (_, parts, places) => {
    const found = [...findPayloads({ failure: { ...failure, ...parts } })];
    expect(found.flatMap(({ kind, place }) => (kind === 'text' ? place : []))).toEqual(places);
  });
});
