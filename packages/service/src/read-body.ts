import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ByteHold } from './byte-budget.ts';
import { problem } from './problem.ts';

const inflate = promisify(gunzip);

/** What one body may be. */
export interface BodyLimits {
  readonly limitBytes: number;
  /** Members and items; default any number. */
  readonly maxParts?: number;
  readonly hold: Pick<ByteHold, 'take' | 'release'>;
  /** How long it may take to arrive, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Reads a request's body as JSON, plain or compressed with gzip, never more than `limitBytes` of it, inflated. The
 * bytes returned are the inflated ones. The parts of a body, which are members and items, are counted before it is parsed:
 * parsing and walking millions of them takes seconds, in which nobody else is answered. What is held is counted: the bytes as
 * they arrive, inflated, and once more for the parsed value.
 *
 * @throws Problem 415 BODY_NOT_JSON_TYPE, 415 BODY_ENCODING_UNKNOWN, 413 BODY_TOO_LARGE,
 * 408 REQUEST_TIMEOUT, 400 BODY_ENCODING_INVALID, 400 BODY_NOT_JSON, 400 BODY_TOO_DEEP, 400 BODY_INCOMPLETE; what `hold` throws.
 */
export async function readJsonBody(
  request: Request,
  { limitBytes, maxParts = Infinity, hold, timeoutMs }: BodyLimits,
): Promise<{ readonly bytes: Uint8Array; readonly value: unknown }> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type)) {
    throw problem(415, 'BODY_NOT_JSON_TYPE', 'Send the body as application/json.', {
      headers: { accept: 'application/json' },
    });
  }
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (!ENCODINGS.has(encoding)) {
    throw problem(415, 'BODY_ENCODING_UNKNOWN', 'Send the body as it is, or compressed with gzip.', {
      headers: { 'accept-encoding': 'gzip, identity' },
    });
  }
  const sent = await withinTime(timeoutMs, (late) => readBytes(request, { limitBytes, hold }, late));
  const bytes = encoding === 'identity' ? sent : await inflateWithin(sent, limitBytes, hold);
  if (hasMoreParts(bytes, maxParts))
    throw problem(413, 'BODY_TOO_LARGE', `The body has more than ${maxParts} members and items.`);
  hold.take(bytes.byteLength);
  const value = parse(bytes);
  if (isDeeperThan(value, MAX_DEPTH))
    throw problem(400, 'BODY_TOO_DEEP', `The body nests deeper than ${MAX_DEPTH} levels.`);
  return { bytes, value };
}

/** What is deeper overflows the stack of whatever walks it, here or in a database. */
const MAX_DEPTH = 100;

/** Members and items are as many as commas, save for the first of each list, and what is in a text is none. */
function hasMoreParts(bytes: Uint8Array, max: number): boolean {
  let parts = 1;
  let isInText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) isInText = !isInText;
    else if (isInText) at += byte === BACKSLASH ? 1 : 0;
    else if ((byte === COMMA || byte === LIST || byte === OBJECT) && ++parts > max) return true;
  }
  return false;
}

const [QUOTE, COMMA, LIST, BACKSLASH, OBJECT] = Buffer.from('",[\\{');

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw problem(400, 'BODY_NOT_JSON', 'The body is not valid JSON in UTF-8.');
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeperThan(part, depth - 1));
}

const ENCODINGS = new Set(['identity', 'gzip', 'x-gzip']);

/** Bytes that deflate makes of one, at most. */
const MOST_INFLATION = 1032;

/** How large it gets shows only when it is there, so the most that it can get is counted until then. */
async function inflateWithin(
  bytes: Uint8Array,
  limitBytes: number,
  hold: BodyLimits['hold'],
): Promise<Uint8Array> {
  const most = Math.min(limitBytes, MOST_INFLATION * bytes.byteLength);
  hold.take(most);
  try {
    const inflated = await inflate(bytes, { maxOutputLength: limitBytes });
    hold.release(most - inflated.byteLength + bytes.byteLength);
    return inflated;
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limitBytes);
    throw problem(400, 'BODY_ENCODING_INVALID', 'The body is not valid gzip.');
  }
}

/** What a caller holds by sending slowly is free again after that. */
async function withinTime<T>(timeoutMs: number, run: (late: Promise<never>) => Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  timeout.promise.catch(() => undefined);
  const timer = setTimeout(
    () =>
      timeout.reject(
        problem(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.', {
          headers: { connection: 'close' },
        }),
      ),
    timeoutMs,
  );
  try {
    return await run(timeout.promise);
  } finally {
    clearTimeout(timer);
  }
}

async function readBytes(
  request: Request,
  { limitBytes, hold }: Pick<BodyLimits, 'limitBytes' | 'hold'>,
  late: Promise<never>,
): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  let refusal: unknown;
  const reader = request.body?.getReader();
  for (;;) {
    const read = reader?.read().catch(() => {
      throw problem(400, 'BODY_INCOMPLETE', 'The body ended before it was complete.');
    });
    // Rejects after the answer, when the connection is closed.
    read?.catch(() => undefined);
    const next = await Promise.race([read, late]);
    if (next === undefined || next.done) break;
    if (size + next.value.byteLength > limitBytes) {
      await reader?.cancel();
      throw refusal ?? tooLarge(limitBytes);
    }
    size += next.value.byteLength;
    // A caller who still sends would not read why it is refused; what is not kept needs no memory.
    if (refusal !== undefined) continue;
    try {
      hold.take(next.value.byteLength);
      chunks.push(next.value);
    } catch (error) {
      refusal = error;
      hold.release(size - next.value.byteLength);
      chunks.length = 0;
    }
  }
  if (refusal !== undefined) throw refusal;
  return Buffer.concat(chunks, size);
}

function tooLarge(limitBytes: number): Error {
  return problem(413, 'BODY_TOO_LARGE', `The body is larger than ${limitBytes} bytes.`);
}
