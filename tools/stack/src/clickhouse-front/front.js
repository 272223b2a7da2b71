import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { answerFailure, answerNothing, answerStream, answerWhole } from './answer.js';
import { EngineSessions } from './engine-sessions.js';
import { contentTypeOf, isRowFormat } from './formats.js';
import { frontErrors } from './front-error.js';
import { authenticate, collect, formFields, isDecompression, openBody, readHead } from './front-request.js';
import {
  formatOf,
  insertFromFile,
  isInsertOfBody,
  isRead,
  isSingleStatement,
  maskLiterals,
  withoutFormat,
} from './statement.js';

/**
 * Serves ClickHouse's HTTP interface over an engine in this process.
 *
 * @param {{ directory: string, password: string }} options the engine's data is in `directory`; one process at a time
 * @returns {{ server: import('node:http').Server, version: string, close(): Promise<void> }} not yet listening;
 *   `close` answers what has been asked and then closes the engine
 */
export function createFront({ directory, password }) {
  const spool = join(directory, 'spool');
  rmSync(spool, { recursive: true, force: true });
  mkdirSync(spool, { recursive: true });
  const sessions = new EngineSessions(directory);
  const facts = { version: sessions.version(), spool };
  /** @type {Set<Promise<void>>} */
  const running = new Set();

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

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {{ sessions: EngineSessions, password: string, facts: import('./answer.js').ServerFacts }} front
 */
async function answer(request, response, { sessions, password, facts }) {
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
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {Asked} asked
 */
async function answerInsert(request, response, { head, sessions, facts }) {
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

/**
 * @typedef {{ head: import('./front-request.js').FrontRequest, sessions: EngineSessions, facts: import('./answer.js').ServerFacts }} Asked
 */

/**
 * Runs any other statement: in the URL, in the body, or begun in the one and continued in the other.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {Asked} asked
 */
async function answerQuery(request, response, { head, sessions, facts }) {
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
