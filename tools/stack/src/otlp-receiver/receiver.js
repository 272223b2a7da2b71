import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf, systemCodeOf } from '../errors.js';
import { OtlpError, otlpErrors } from './otlp-error.js';
import { spanRows } from './span-rows.js';

const unzip = promisify(gunzip);

/** Exporters send every 5 s or 30 s: an idle connection is closed by the client, never just as it is used again. */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS = 30_000;

/**
 * @typedef {object} ReceiverOptions
 * @property {Pick<import('./span-store.js').SpanStore, 'store'>} store
 * @property {number} [maxBodyBytes] as sent and unpacked, default 16 MiB
 * @property {number} [maxHeldBytes] of all bodies that are being read, default 64 MiB
 */

/**
 * Serves OTLP/HTTP with JSON: `POST /v1/traces` goes to the store and is answered once it is stored; metrics and logs
 * are taken and dropped, so that an app which sends them has nothing to complain about.
 * @param {ReceiverOptions} options
 * @returns {{ server: import('node:http').Server, close(): Promise<void> }} not yet listening; `close` answers what
 *   has been asked
 */
export function createReceiver({ store, maxBodyBytes = 16 * 1024 * 1024, maxHeldBytes = 64 * 1024 * 1024 }) {
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  const bodies = { maxBytes: maxBodyBytes, maxHeldBytes, heldBytes: 0 };
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS },
    (request, response) => {
      const answering = answer(request, response, { store, bodies })
        .catch((error) => answerFailure(response, error))
        .finally(() => running.delete(answering));
      running.add(answering);
    },
  );
  return {
    server,
    async close() {
      server.close();
      while (running.size > 0) await Promise.allSettled(running);
      server.closeAllConnections();
    },
  };
}

/**
 * @typedef {{ maxBytes: number, maxHeldBytes: number, heldBytes: number }} Bodies
 */

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {{ store: ReceiverOptions['store'], bodies: Bodies }} receiver
 */
async function answer(request, response, { store, bodies }) {
  const path = (request.url ?? '').split('?', 1)[0];
  if (path === '/healthz') {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw otlpErrors.wrongMethod('GET');
    answerJson(response, 200, { status: 'ok' });
    return;
  }
  if (path !== '/v1/traces' && path !== '/v1/metrics' && path !== '/v1/logs') throw otlpErrors.unknownPath();
  if (request.method !== 'POST') throw otlpErrors.wrongMethod('POST');
  const isGzip = checkHeaders(request);
  if (path === '/v1/traces') await storeSpans(request, { store, bodies, isGzip });
  else await drain(request);
  answerJson(response, 200, {});
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {{ store: ReceiverOptions['store'], bodies: Bodies, isGzip: boolean }} options
 */
async function storeSpans(request, { store, bodies, isGzip }) {
  const rows = spanRows(parse(await readBody(request, { bodies, isGzip })));
  await store.store(rows);
}

/**
 * Says whether the body is packed.
 * @param {import('node:http').IncomingMessage} request
 */
function checkHeaders({ headers }) {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw otlpErrors.unsupportedType();
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'gzip') return true;
  if (encoding === 'identity' || encoding === '') return false;
  throw otlpErrors.unsupportedEncoding();
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {{ bodies: Bodies, isGzip: boolean }} options
 * @returns {Promise<Buffer>}
 */
async function readBody(request, { bodies, isGzip }) {
  /** @type {Buffer[]} */
  const chunks = [];
  let bytes = 0;
  /** @type {OtlpError | undefined} */
  let refusal;
  try {
    for await (const chunk of request) {
      if (bytes + chunk.length > bodies.maxBytes)
        refusal ??= otlpErrors.tooLarge('the body', bodies.maxBytes);
      if (bodies.heldBytes + chunk.length > bodies.maxHeldBytes)
        refusal ??= otlpErrors.unavailable('too many requests are being read', undefined);
      // A refused body is read to its end all the same: the sender looks for the answer only then.
      if (refusal !== undefined) continue;
      chunks.push(chunk);
      bytes += chunk.length;
      bodies.heldBytes += chunk.length;
    }
    if (refusal !== undefined) throw refusal;
    const body = Buffer.concat(chunks);
    return isGzip ? await unpack(body, bodies.maxBytes) : body;
  } finally {
    bodies.heldBytes -= bytes;
  }
}

/**
 * @param {Buffer} body
 * @param {number} maxBytes
 */
async function unpack(body, maxBytes) {
  try {
    return await unzip(body, { maxOutputLength: maxBytes });
  } catch (error) {
    if (systemCodeOf(error) === 'ERR_BUFFER_TOO_LARGE')
      throw otlpErrors.tooLarge('the unpacked body', maxBytes);
    throw otlpErrors.malformed('the body is not gzip, as its content encoding says');
  }
}

/** @param {Buffer} body */
function parse(body) {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw otlpErrors.malformed('the body is not JSON');
  }
}

/** @param {import('node:http').IncomingMessage} request */
async function drain(request) {
  for await (const _ of request);
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {unknown} error
 */
function answerFailure(response, error) {
  if (response.destroyed || response.headersSent) return;
  const failure = error instanceof OtlpError ? error : otlpErrors.refused('the receiver failed');
  if (!(error instanceof OtlpError)) process.stderr.write(`the receiver failed: ${messageOf(error)}\n`);
  for (const [name, value] of Object.entries(failure.headers)) response.setHeader(name, value);
  answerJson(response, failure.status, { code: failure.code, message: failure.message });
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function answerJson(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
