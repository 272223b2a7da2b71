import { setTimeout as sleep } from 'node:timers/promises';
import { connectClickHouse, createClickHouseDatabase, toDatabaseError } from '@heliograph/database';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { createSpanTables, SPAN_TABLE } from './span-tables.ts';
import { toSpanRow } from './to-span-row.ts';

/** Options of {@link createClickHouseSpanExporter}. */
export interface ClickHouseSpanExporterOptions {
  /** With user and password. */
  readonly url: string;
  readonly database: string;
  /** Shown in the server's query log. */
  readonly application: string;
  /** Of one statement; default 5,000 ms. */
  readonly requestTimeoutMs?: number;
  /** How long a batch is tried again before it is dropped; default 10,000 ms. */
  readonly retryForMs?: number;
}

/** ClickHouse's codes for a table or a database that is not there. */
const MISSING = new Set(['60', '81']);
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 2000;

/**
 * Creates an exporter that writes spans to ClickHouse in the tables of the OpenTelemetry Collector's ClickHouse exporter,
 * over a connection of its own. It creates the tables where they are missing, at once and whenever they are gone.
 *
 * A batch that cannot be stored within `retryForMs` is dropped, and the result says how many spans that were; nothing
 * is held beyond that. A batch whose answer was lost may be stored twice. `shutdown` tries what is pending once more.
 */
export function createClickHouseSpanExporter(options: ClickHouseSpanExporterOptions): SpanExporter {
  const { retryForMs = 10_000 } = options;
  const connection = {
    url: options.url,
    database: options.database,
    application: options.application,
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    maxOpenConnections: 2,
  };
  const client = connectClickHouse(connection);
  const stopping = new AbortController();
  const pending = new Set<Promise<ExportResult>>();
  let dropped = 0;
  let tables: Promise<void> | undefined;
  let ended: Promise<void> | undefined;

  const createTables = async (): Promise<void> => {
    await createClickHouseDatabase(connection);
    for (const query of createSpanTables()) await client.command({ query });
  };
  const prepare = async (): Promise<void> => {
    const creating = (tables ??= createTables());
    try {
      await creating;
    } catch (error) {
      if (tables === creating) tables = undefined;
      throw error;
    }
  };
  const store = async (spans: readonly ReadableSpan[]): Promise<void> => {
    const values = spans.map(toSpanRow);
    const deadline = performance.now() + retryForMs;
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LAST_DELAY_MS)) {
      const isLast = stopping.signal.aborted || performance.now() + delayMs > deadline;
      try {
        await prepare();
        await client.insert({ table: SPAN_TABLE, format: 'JSONEachRow', values });
        return;
      } catch (error) {
        const failure = toDatabaseError(error, 'store spans');
        if (MISSING.has(failure.driverCode ?? '')) tables = undefined;
        if (isLast) throw failure;
      }
      await sleep(delayMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  const tryStore = async (spans: readonly ReadableSpan[]): Promise<ExportResult> => {
    try {
      await store(spans);
      return { code: ExportResultCode.SUCCESS };
    } catch (error) {
      dropped += spans.length;
      const why = error instanceof Error ? error.message : String(error);
      const message = `${spans.length} spans were dropped, ${dropped} since the start: ${why}`;
      return { code: ExportResultCode.FAILED, error: new Error(message) };
    }
  };
  const settle = async (): Promise<void> => {
    await Promise.all(pending);
  };
  const end = async (): Promise<void> => {
    stopping.abort();
    await settle();
    await client.close();
  };
  // For whoever asks before the first span; an export tries again.
  prepare().catch(() => undefined);

  return {
    export(spans, done) {
      const exporting = tryStore(spans);
      pending.add(exporting);
      void (async () => {
        const result = await exporting;
        pending.delete(exporting);
        done(result);
      })();
    },
    forceFlush: settle,
    shutdown: () => (ended ??= end()),
  };
}
