import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import zlib from 'node:zlib';
import type { ChdbQueryStream, ChdbResult, StreamChunk } from 'chdb';
import { describeFailure } from './front-error.ts';

type Response = ServerResponse;

/** What an error text must name, and what it must not. */
export interface ServerFacts {
  readonly version: string;
  readonly spool: string;
}

/** How much of a streamed answer is held back, so that an error until then can still have its own status. */
const HELD_BACK_BYTES = 1024 * 1024;

/** Answers with a whole result. */
export function answerWhole(
  response: Response,
  result: ChdbResult,
  { isInsert, mayCompress }: { isInsert: boolean; mayCompress: boolean },
): void {
  const body = Buffer.from(result.bytes());
  response.setHeader(
    'X-ClickHouse-Summary',
    summaryOf({
      readRows: result.rowsRead,
      readBytes: result.bytesRead,
      writtenRows: isInsert ? result.rowsRead : 0,
      writtenBytes: isInsert ? result.bytesRead : 0,
      resultBytes: body.length,
      elapsedNs: Math.round(result.elapsed * 1e9),
    }),
  );
  if (!mayCompress || body.length === 0) {
    response.end(body);
    return;
  }
  response.setHeader('content-encoding', 'gzip');
  zlib.gzip(body, { level: 1 }, (error, compressed) =>
    error ? response.destroy(error) : response.end(compressed),
  );
}

/** Answers an INSERT without a single byte of data. */
export function answerNothing(response: Response): void {
  response.setHeader(
    'X-ClickHouse-Summary',
    summaryOf({ readRows: 0, readBytes: 0, writtenRows: 0, writtenBytes: 0, resultBytes: 0, elapsedNs: 0 }),
  );
  response.end();
}

/**
 * Answers chunk by chunk while the query runs, at the pace of the reader.
 *
 * Nothing is sent before the first MiB, as from the server: an error until then is thrown and becomes a plain one. A
 * later error goes into the stream the way the server does it, between two lines with a tag that the header
 * announced; a compressed stream is truncated instead.
 */
export async function answerStream(
  response: Response,
  stream: ChdbQueryStream,
  { mayCompress, facts }: { mayCompress: boolean; facts: ServerFacts },
): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let next = await chunks.next();
  for (; !next.done && heldBytes < HELD_BACK_BYTES; next = await chunks.next()) {
    const bytes = copyOf(next.value);
    held.push(bytes);
    heldBytes += bytes.length;
  }
  const tag = randomUUID().replaceAll('-', '').slice(0, 16);
  response.setHeader('X-ClickHouse-Exception-Tag', tag);
  const out = openOutput(response, mayCompress);
  const gone = once(response, 'close');
  const send = async (bytes: Uint8Array) => {
    if (!out.write(bytes)) await Promise.race([once(out, 'drain'), gone]);
  };
  try {
    for (const bytes of held) await send(bytes);
    for (; !next.done && !response.destroyed; next = await chunks.next()) await send(copyOf(next.value));
    if (response.destroyed) stream.cancel();
    else out.end();
  } catch (error) {
    if (mayCompress) response.destroy();
    else response.end(exceptionBlock(describeFailure(error, facts).text, tag));
  }
  await gone;
}

/** A chunk's bytes belong to the engine, and may still wait to be sent when the next chunk is asked for. */
function copyOf(chunk: StreamChunk): Buffer<ArrayBuffer> {
  return Buffer.from(chunk.raw());
}

function openOutput(response: Response, mayCompress: boolean): Writable {
  if (!mayCompress) return response;
  response.setHeader('content-encoding', 'gzip');
  const gzip = zlib.createGzip({ level: 1 });
  gzip.pipe(response);
  return gzip;
}

/** Answers with an error; once a response has begun, the connection is destroyed. */
export function answerFailure(response: Response, error: unknown, facts: ServerFacts): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, status, text } = describeFailure(error, facts);
  response.removeHeader('content-encoding');
  response.writeHead(status, {
    'X-ClickHouse-Exception-Code': String(code),
    'content-type': 'text/plain; charset=UTF-8',
  });
  response.end(text);
}

function exceptionBlock(text: string, tag: string): string {
  return `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`;
}

function summaryOf({
  readRows,
  readBytes,
  writtenRows,
  writtenBytes,
  resultBytes,
  elapsedNs,
}: {
  readRows: number;
  readBytes: number;
  writtenRows: number;
  writtenBytes: number;
  resultBytes: number;
  elapsedNs: number;
}): string {
  return JSON.stringify({
    read_rows: String(readRows),
    read_bytes: String(readBytes),
    written_rows: String(writtenRows),
    written_bytes: String(writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(readRows),
    result_bytes: String(resultBytes),
    elapsed_ns: String(elapsedNs),
  });
}
