import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Edge } from './edge.ts';
import { uuidV7Ids } from './ids.ts';
import { maskKeys } from './mask-keys.ts';
import { type Problem, problem, problemJson, problemResponse, titleOf } from './problem.ts';

/** A request that was refused before it was one. */
export interface EarlyRefusal {
  readonly requestId: string;
  readonly status: number;
  readonly code: string;
}

/**
 * Answers what Node's server refuses by itself, before any route sees it, with problem details like everything else:
 * a request that does not parse, headers that are too large, a request that arrives too slowly, an Expect header. The edge
 * hears of each, and gives the headers without which a browser hides the answer from its page.
 */
export function refuseEarly(server: Server, edge: Pick<Edge, 'refuseEarly'>): void {
  const answering = new WeakMap<Socket, ServerResponse>();
  server.on('request', ({ socket }, response) => void answering.set(socket, response));
  server.on('checkExpectation', ({ url = '/', headers }, response) => {
    const found = problem(417, 'EXPECTATION_UNKNOWN', 'The only expectation that is met is 100-continue.');
    const [head, body] = rawResponse(edge, found, { instance: pathOf(url), origin: headers.origin });
    response.writeHead(found.status, head).end(body);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const response = answering.get(socket);
    // Two answers on one connection would read as one; a response that has begun is ended.
    const isAnswering = response !== undefined && response.headersSent && !response.writableFinished;
    // A connection without a finished handshake can carry no answer.
    const isTls = /^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(error.code ?? '');
    if (error.code === 'ECONNRESET' || isTls || !socket.writable || isAnswering) {
      socket.destroy();
      return;
    }
    // A browser opens connections that it may never use.
    if (socket.bytesRead === 0) {
      socket.end();
      return;
    }
    const found = toProblem(error.code);
    // Of a request whose body ends early the edge hears by itself.
    const isRequest = response?.writableFinished === false;
    const [head, body] = rawResponse(isRequest ? null : edge, found, {
      instance: '/',
      origin: originIn(error),
    });
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${found.status} ${titleOf(found.status)}\r\n${lines.join('')}\r\n${body}`);
  });
}

/** Answers what cannot become a request: no Host header, or a target that is no path. */
export function refuseTarget(edge: Pick<Edge, 'refuseEarly'>): Response {
  const refused = answer(400, 'REQUEST_MALFORMED', 'The request needs a valid Host header and a valid path.');
  const requestId = refused.headers.get('x-request-id') ?? '';
  edge.refuseEarly({ requestId, status: 400, code: 'REQUEST_MALFORMED' }, undefined);
  return refused;
}

/** Answers a fault outside of every route. */
export function answerFault(): Response {
  return answer(500, 'INTERNAL', 'The request failed.');
}

function answer(status: number, code: string, detail: string): Response {
  const requestId = uuidV7Ids.next();
  const headers = { 'x-content-type-options': 'nosniff', 'x-request-id': requestId };
  return problemResponse(problem(status, code, detail, { headers }), '/', requestId);
}

function toProblem(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return problem(431, 'HEADERS_TOO_LARGE', 'The headers of the request are larger than 16 KiB.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return problem(413, 'BODY_TOO_LARGE', 'The chunk extensions of the body are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problem(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.');
    case undefined:
    default:
      return problem(400, 'REQUEST_MALFORMED', 'The request is not valid HTTP/1.1.');
  }
}

/** What Node has of a request that it could not parse is the last part of it; a page's own origin may be there. */
function originIn(error: object): string | undefined {
  const packet: unknown = Reflect.get(error, 'rawPacket');
  if (!(packet instanceof Uint8Array)) return undefined;
  return /\r\norigin:[ \t]*([^\s]+)[ \t]*\r\n/i.exec(Buffer.from(packet).toString('latin1'))?.[1];
}

function rawResponse(
  edge: Pick<Edge, 'refuseEarly'> | null,
  found: Problem,
  { instance, origin }: { readonly instance: string; readonly origin: string | undefined },
): [Record<string, string>, string] {
  const requestId = uuidV7Ids.next();
  const { status, code } = found;
  const forBrowsers = edge?.refuseEarly({ requestId, status, code }, origin);
  const body = problemJson(found, instance, requestId);
  const head = {
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    connection: 'close',
    ...forBrowsers,
  };
  return [head, body];
}

function pathOf(url: string): string {
  return maskKeys(url.split('?')[0] ?? '/');
}
