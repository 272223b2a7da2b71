import { messageOf } from '../errors.js';
import { OtlpError, otlpErrors } from './otlp-error.js';
import { createStatements, insertStatement } from './span-table.js';

/** ClickHouse's codes for a database or a table that is not there. */
const MISSING = new Set(['60', '81']);

/**
 * @typedef {{ rows: string, bytes: number, resolve: () => void, reject: (error: OtlpError) => void }} Waiting
 * @typedef {object} SpanStoreOptions
 * @property {string} url of ClickHouse, with credentials
 * @property {string} database
 * @property {number} [timeoutMs] of one statement, default 10,000
 * @property {number} [maxWaitingBytes] of rows not yet stored, default 64 MiB
 * @property {number} [maxBatchBytes] of one insert unless one request alone has more, default 8 MiB
 * @property {(line: string) => void} [print] told when ClickHouse goes away and when it comes back
 */

/**
 * Rows of spans on their way into ClickHouse. One insert runs at a time; what arrives meanwhile goes into the next one.
 */
export class SpanStore {
  #address;
  #headers;
  #database;
  #timeoutMs;
  #maxWaitingBytes;
  #maxBatchBytes;
  #print;
  /** @type {Waiting[]} */
  #waiting = [];
  #waitingBytes = 0;
  #isInserting = false;
  #isAway = false;
  /** @type {Promise<void> | undefined} */
  #tables;

  /** @param {SpanStoreOptions} options */
  constructor({
    url,
    database,
    timeoutMs = 10_000,
    maxWaitingBytes = 64 * 1024 * 1024,
    maxBatchBytes = 8 * 1024 * 1024,
    print = () => {},
  }) {
    const { origin, username, password } = new URL(url);
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#address = origin;
    this.#headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
    this.#database = database;
    this.#timeoutMs = timeoutMs;
    this.#maxWaitingBytes = maxWaitingBytes;
    this.#maxBatchBytes = maxBatchBytes;
    this.#print = print;
  }

  /**
   * Creates database and tables where they are missing.
   * @throws {OtlpError} 503 when ClickHouse is away, 500 when it refuses
   */
  async prepare() {
    const tables = (this.#tables ??= this.#createTables());
    try {
      await tables;
    } catch (error) {
      if (this.#tables === tables) this.#tables = undefined;
      throw error;
    }
  }

  /**
   * Resolves once the rows are stored.
   * @param {readonly string[]} rows of `spanRows`
   * @throws {OtlpError} 503 when ClickHouse is away or too much is waiting for it: nothing is kept, the sender has to
   *   send again; 500 when ClickHouse refuses these rows
   */
  async store(rows) {
    const text = rows.join('');
    if (text === '') return;
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#maxWaitingBytes)
      throw otlpErrors.unavailable('too many spans are waiting for ClickHouse', undefined);
    this.#waitingBytes += bytes;
    const stored = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      this.#waiting.push({ rows: text, bytes, resolve, reject });
    });
    if (!this.#isInserting) void this.#insertAll();
    try {
      await stored;
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  async #insertAll() {
    this.#isInserting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#insert(batch);
        this.#noticeBack();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        const failure = error instanceof OtlpError ? error : otlpErrors.refused(messageOf(error));
        if (failure.retryable) {
          this.#noticeAway(failure.message);
          // Those behind would wait in vain for a server that is away.
          for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(failure);
        } else await this.#insertOneByOne(batch, failure);
      }
    }
    this.#isInserting = false;
  }

  /** @returns {Waiting[]} */
  #takeBatch() {
    let bytes = 0;
    const end = this.#waiting.findIndex((it, index) => {
      bytes += it.bytes;
      return index > 0 && bytes > this.#maxBatchBytes;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  /**
   * Finds whose rows ClickHouse refuses, so that one sender's fault is not another's loss.
   * @param {readonly Waiting[]} batch
   * @param {OtlpError} failure of the batch as a whole
   */
  async #insertOneByOne(batch, failure) {
    if (batch.length === 1) {
      batch[0]?.reject(failure);
      return;
    }
    for (const waiting of batch) {
      await this.#insert([waiting]).then(waiting.resolve, waiting.reject);
    }
  }

  /** @param {readonly Waiting[]} batch */
  async #insert(batch) {
    const rows = batch.map((it) => it.rows).join('');
    for (let attempt = 1; ; attempt++) {
      await this.prepare();
      const failure = await this.#ask(insertStatement(this.#database), rows);
      if (failure === undefined) return;
      // Somebody dropped the table while we ran.
      if (!failure.isMissing || attempt > 1) throw failure.error;
      this.#tables = undefined;
    }
  }

  async #createTables() {
    for (const statement of createStatements(this.#database)) {
      const failure = await this.#ask(statement);
      if (failure !== undefined) throw failure.error;
    }
  }

  /**
   * @param {string} statement
   * @param {string} [rows]
   * @returns {Promise<{ error: OtlpError, isMissing: boolean } | undefined>}
   */
  async #ask(statement, rows) {
    // The instants in the rows are UTC, whatever the server's own zone.
    const parameters = new URLSearchParams({ session_timezone: 'UTC' });
    if (rows !== undefined) parameters.set('query', statement);
    let response;
    try {
      response = await fetch(`${this.#address}/?${parameters.toString()}`, {
        method: 'POST',
        headers: this.#headers,
        body: rows ?? statement,
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      await response.text();
    } catch (error) {
      return { error: otlpErrors.unavailable('ClickHouse does not answer', error), isMissing: false };
    }
    // The text of an error may quote rows; its code does not.
    const code = response.headers.get('x-clickhouse-exception-code') ?? '?';
    const isMissing = MISSING.has(code);
    if (response.ok) {
      return undefined;
    }
    const words = `ClickHouse answers with status ${response.status}, code ${code}`;
    const mayRecover = response.status >= 500 || [401, 403, 408, 429].includes(response.status);
    return {
      error: mayRecover ? otlpErrors.unavailable(words, undefined) : otlpErrors.refused(words),
      isMissing,
    };
  }

  /** @param {string} words */
  #noticeAway(words) {
    if (!this.#isAway) this.#print(`spans cannot be stored: ${words}`);
    this.#isAway = true;
  }

  #noticeBack() {
    if (this.#isAway) this.#print('spans are stored again');
    this.#isAway = false;
  }
}
