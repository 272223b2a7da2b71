import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { answerFailure, answerNothing, answerStream, answerWhole, type ServerFacts } from './answer.ts';
import { EngineSessions } from './engine-sessions.ts';
import { contentTypeOf, isRowFormat } from './formats.ts';
import { frontErrors } from './front-error.ts';
import {
  authenticate,
  collect,
  formFields,
  type FrontRequest,
  isDecompression,
  openBody,
  readHead,
} from './front-request.ts';
import {
  formatOf,
  insertFromFile,
  isInsertOfBody,
  isRead,
  isSingleStatement,
  maskLiterals,
  withoutFormat,
} from './statement.ts';

interface Asked {
  readonly head: FrontRequest;
  readonly sessions: EngineSessions;
  readonly facts: ServerFacts;
}

/** The front, not listening yet. */
export interface Front {
  readonly server: Server;
  /** Of the engine. */
  readonly version: string;
  /** Answers what has been asked, then closes the engine. */
  close(): Promise<void>;
}

/**
 * Serves ClickHouse's HTTP interface over an engine in this process, whose data is in `directory`. One process at a time
 * uses a directory.
 */
export function createFront({ directory, password }: { directory: string; password: string }): Front {
  const spool = join(directory, 'spool');
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool, { recursive: true });
  const sessions = new EngineSessions(directory);
  const facts = { version: sessions.version(), spool };
  const running: Set<Promise<void>> = new Set();

  const server = createServer({ keepAliveTimeout: 10_000 }, (request, response) => {
    const answering = answer(request, response, { sessions, password, facts })
      .catch((error) => answerFailure(response, error, facts))
      .finally(() => running.delete(answering));
    running.add(answering);
  });

  return {
    server,
    version: facts.version,
    async close() {
      server.close();
      while (running.size > 0) await Promise.allSettled(running);
      server.closeAllConnections();
      sessions.close();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { sessions, password, facts }: { sessions: EngineSessions; password: string; facts: ServerFacts },
): Promise<void> {
  const head = readHead(request);
  response.setHeader('X-ClickHouse-Query-Id', head.queryId);
  response.setHeader('X-ClickHouse-Server-Display-Name', 'heliograph');
  response.setHeader('X-ClickHouse-Timezone', 'UTC');
  if (head.path === '/ping') {
    response.end('Ok.\n');
    return;
  }
  if (head.path !== '/') throw frontErrors.unknownPath(head.path);
  authenticate(request, password);
  if (isInsertOfBody(head.query)) await answerInsert(request, response, { head, sessions, facts });
  else await answerQuery(request, response, { head, sessions, facts });
}

/**
 * Runs an INSERT whose data is the body: the data goes to a file first, with flat memory, and from there into the
 * table by one statement, so that a body which breaks off stores nothing.
 */
async function answerInsert(
  request: IncomingMessage,
  response: ServerResponse,
  { head, sessions, facts }: Asked,
): Promise<void> {
  const file = join(facts.spool, randomUUID());
  try {
    const out = createWriteStream(file);
    await pipeline(openBody(request), out).catch((error) => {
      throw isDecompression(error) ? frontErrors.badBody() : error;
    });
    if (out.bytesWritten === 0) {
      answerNothing(response);
      return;
    }
    const lease = await sessions.lend(head);
    try {
      const result = await lease.session.queryAsync(insertFromFile(head.query, file));
      answerWhole(response, result, { isInsert: true, mayCompress: false });
    } finally {
      await lease.release();
    }
  } finally {
    await rm(file, { force: true });
  }
}

/** Runs any other statement: in the URL, in the body, or begun in the one and continued in the other. */
async function answerQuery(
  request: IncomingMessage,
  response: ServerResponse,
  { head, sessions, facts }: Asked,
): Promise<void> {
  const body = await collect(openBody(request));
  const form = formFields(request, body);
  const { query: formQuery = '', ...formSettings } = form ?? {};
  const tail = form === undefined ? body.toString('utf8') : formQuery;
  const sql = [head.query, tail].filter((text) => text !== '').join('\n');
  if (maskLiterals(sql).replaceAll(';', '').trim() === '') throw frontErrors.emptyQuery();
  if (!isSingleStatement(sql)) throw frontErrors.multipleStatements();
  const settings = { ...head.settings, ...formSettings };
  const { mayCompress } = head;
  const lease = await sessions.lend({ ...head, settings });
  try {
    const format = formatOf(sql) ?? head.defaultFormat ?? 'TabSeparated';
    response.setHeader('X-ClickHouse-Format', format);
    response.setHeader('content-type', contentTypeOf(format));
    if (isRead(sql) && isRowFormat(format, settings) && !head.mustWait) {
      const stream = lease.session.queryStream(withoutFormat(sql), { format });
      await answerStream(response, stream, { mayCompress, facts });
    } else {
      const result = await lease.session.queryAsync(sql, { format });
      answerWhole(response, result, { isInsert: /^\s*insert\b/i.test(maskLiterals(sql)), mayCompress });
    }
  } finally {
    await lease.release();
  }
}
