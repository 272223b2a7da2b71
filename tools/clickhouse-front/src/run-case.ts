import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type ClickHouseClientConfigOptions, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { CaseContext, Client, FrontCase } from './front-case.ts';

/** Runs cases on a server, in a database of their own. */
export interface CaseRunner {
  /** Throws when the case fails. */
  readonly run: (frontCase: FrontCase) => Promise<'passed' | 'skipped'>;
  /** Drops the database. */
  readonly close: () => Promise<void>;
}

/** Opens a runner on a server; the URL has credentials. */
export async function openCaseRunner(server: {
  readonly url: string;
  readonly isFront: boolean;
}): Promise<CaseRunner> {
  const { url, isFront } = server;
  const database = `front_cases_${randomBytes(4).toString('hex')}`;
  const quiet = { log: { level: ClickHouseLogLevel.OFF } };
  const administrator = createClient({ url, ...quiet });
  await administrator.command({ query: `create database ${database}` });
  let tables = 0;

  return {
    async run(frontCase) {
      if (!isFront && frontCase.frontOnly !== undefined) return 'skipped';
      const clients: Client[] = [];
      const connect = (options: ClickHouseClientConfigOptions = {}) => {
        const client = createClient({ url, database, ...quiet, ...options });
        clients.push(client);
        return client;
      };
      const client = connect();
      try {
        await runOne(frontCase, {
          client,
          connect,
          url,
          database,
          isFront,
          table: async (columns, options = '') => {
            const name = `t${++tables}`;
            await client.command({
              query: `create table ${name} (${columns}) engine = MergeTree order by tuple() ${options}`,
            });
            return name;
          },
          rows: async (sql) => {
            const asked = { query: sql, clickhouse_settings: QUOTED };
            return (await client.query({ ...asked, format: 'JSONCompactEachRow' })).json();
          },
        });
        return 'passed';
      } finally {
        await Promise.all(clients.map((it) => it.close()));
      }
    },
    async close() {
      await administrator.command({ query: `drop database ${database}` });
      await administrator.close();
    },
  };
}

/** 64-bit numbers as texts: the default has changed between servers. */
const QUOTED = { output_format_json_quote_64bit_integers: 1 } as const;

async function runOne(frontCase: FrontCase, context: CaseContext): Promise<void> {
  if ('run' in frontCase) {
    await frontCase.run(context);
    return;
  }
  const { query, params, settings } = frontCase;
  const asked = context.client.query({
    query,
    format: ('format' in frontCase ? frontCase.format : undefined) ?? 'JSONCompactEachRow',
    clickhouse_settings: { ...QUOTED, ...settings },
    ...(params === undefined ? {} : { query_params: params }),
  });
  if ('code' in frontCase) {
    const { code, type } = frontCase;
    // An error may come before the first row or after it.
    await assert.rejects(
      asked.then((result) => result.text()),
      type === undefined ? { code } : { code, type },
    );
    return;
  }
  const result = await asked;
  if (frontCase.text === undefined) assert.deepEqual(await result.json(), frontCase.json);
  else assert.equal(await result.text(), frontCase.text);
}
