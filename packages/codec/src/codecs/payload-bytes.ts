import proto from '@temporalio/proto';
import type { Payload } from '@temporalio/common';

const { Payload: PayloadType } = proto.temporal.api.common.v1;

/** Field 1 (metadata) and field 2 (data) of `temporal.api.common.v1.Payload`, both length-delimited. */
const METADATA_TAG = 0x0a;
const DATA_TAG = 0x12;

/**
 * A payload in its protobuf form, in two parts: everything before the data, and the data itself, which is not copied.
 * One after the other they are what protobuf writes, so any language reads them.
 */
export interface PayloadBytes {
  readonly head: Uint8Array;
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array();

/** Writes a payload in its protobuf form. */
export function writePayload(payload: Payload): PayloadBytes {
  // External references are rare and small; protobuf writes them.
  if ((payload.externalPayloads?.length ?? 0) > 0)
    return { head: PayloadType.encode(payload).finish(), data: NOTHING };
  const data = payload.data ?? NOTHING;
  // A converter of somebody else may leave values out, whatever their type says; encoding must not fail for it.
  const metadata: Readonly<Record<string, Uint8Array | null | undefined>> = payload.metadata ?? {};
  const entries = Object.entries(metadata).map(([name, value]) => ({
    name: Buffer.from(name),
    value: value ?? NOTHING,
  }));
  let length = data.length === 0 ? 0 : 1 + varintLength(data.length);
  for (const entry of entries) {
    const size = entryLength(entry);
    length += 1 + varintLength(size) + size;
  }
  const head = Buffer.allocUnsafe(length);
  let at = 0;
  for (const { name, value } of entries) {
    head[at++] = METADATA_TAG;
    at = writeVarint(head, at, entryLength({ name, value }));
    at = writeField(head, at, { tag: 0x0a, bytes: name });
    at = writeField(head, at, { tag: 0x12, bytes: value });
  }
  if (data.length > 0) {
    head[at++] = DATA_TAG;
    writeVarint(head, at, data.length);
  }
  return { head, data };
}

/**
 * Reads a payload from its protobuf form; the result shares memory with it.
 *
 * @throws {RangeError | Error} of protobufjs, if it is none.
 */
export function readPayload(bytes: Uint8Array): Payload {
  const { metadata, data, externalPayloads } = PayloadType.decode(bytes);
  return { metadata, data, ...(externalPayloads.length === 0 ? {} : { externalPayloads }) };
}

function entryLength({ name, value }: { readonly name: Uint8Array; readonly value: Uint8Array }): number {
  return 2 + varintLength(name.length) + name.length + varintLength(value.length) + value.length;
}

function writeField(
  into: Buffer,
  at: number,
  { tag, bytes }: { readonly tag: number; readonly bytes: Uint8Array },
): number {
  into[at] = tag;
  const from = writeVarint(into, at + 1, bytes.length);
  into.set(bytes, from);
  return from + bytes.length;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let place = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[place++] = (rest % 0x80) + 0x80;
  into[place++] = rest;
  return place;
}
