import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createEdge, processHost, text, type ServiceHost } from '@heliograph/service';
import * as v from 'valibot';
import { runApiApp, runWorkerApp } from '../index.ts';
import { tinyConverter } from './tiny-codec.ts';
import type { KeeperActivities, TinyActivities } from './tiny-workflows.ts';

/** Does not end the process: it has to end by itself, which it does only when nothing was left open. */
const host: ServiceHost = {
  ...processHost,
  exit: (code) => {
    process.exitCode = code;
  },
};
const common = { packageJson: new URL('../../package.json', import.meta.url), host };
const databases = { postgres: { maxConnections: 2 }, clickhouse: { requestTimeoutMs: 5000 } };
const bundle = process.env['TINY_BUNDLE'] ?? '';
const [, , role, failAt] = process.argv;
const failIf = (step: string): void => {
  if (failAt === step) throw new Error(`told to fail at ${step}`);
};

if (role === 'worker') {
  await runWorkerApp({
    ...common,
    name: 'tiny-worker',
    databases,
    variables: { HELIOGRAPH_TINY_QUEUE: text({ default: 'tiny' }) },
    workflowBundle: pathToFileURL(bundle),
    dataConverter: () => tinyConverter,
    async migrate({ postgres, clickhouse }) {
      await postgres.sql`create table if not exists notes (note text)`;
      await clickhouse.command({
        query: 'create table if not exists notes (note String) engine = MergeTree order by note',
      });
      failIf('migrate');
    },
    workers({ config, postgres, clickhouse, logger, register }) {
      register({
        name: 'early',
        stop: async () => logger.info({ rows: await postgres.sql`select note from notes` }, 'early stopped'),
      });
      const activities: TinyActivities = {
        async record(note) {
          await postgres.sql`insert into notes values (${note})`;
          await clickhouse.insert({ table: 'notes', values: [{ note }], format: 'JSONEachRow' });
          const rows = await clickhouse.query({ query: 'select note from notes', format: 'JSONEachRow' });
          return {
            postgres: (await postgres.sql`select note from notes`).length,
            clickhouse: (await rows.json()).length,
          };
        },
        async work(durationMs) {
          logger.info('work begun');
          await sleep(durationMs);
          logger.info('work done');
          return 'done';
        },
      };
      failIf('workers');
      const second = failAt === 'second-worker' ? [{ taskQueue: '', activities }] : [];
      const slots = { kind: 'io', maximum: failAt === 'slots' ? 0 : 100 } as const;
      return [
        { taskQueue: config.HELIOGRAPH_TINY_QUEUE, workflows: true, activities },
        { taskQueue: `${config.HELIOGRAPH_TINY_QUEUE}-slow`, activities: { work: activities.work }, slots },
        ...second,
      ];
    },
    async started({ client, config, logger, register }) {
      register({ name: 'late', stop: async () => logger.info('late stopped') });
      failIf('started');
      const start = { taskQueue: config.HELIOGRAPH_TINY_QUEUE, workflowId: 'first', args: ['hello'] };
      logger.info({ recorded: await client.workflow.execute('recording', start) }, 'recorded');
    },
  });
} else if (role === 'keeper') {
  const activities: KeeperActivities = {
    reverse: async (whole) => Array.from(whole).toReversed().join(''),
  };
  await runWorkerApp({
    ...common,
    name: 'tiny-keeper',
    codec: { domain: 'tiny' },
    workflowBundle: pathToFileURL(bundle),
    workers: () => [{ taskQueue: 'keeper', workflows: true, activities: { ...activities } }],
  });
} else {
  await runApiApp({
    ...common,
    name: 'tiny-api',
    databases: { postgres: {} },
    temporal: { callTimeoutMs: 500 },
    edge({ edgeOptions, client, postgres }) {
      failIf('edge');
      const edge = createEdge(edgeOptions);
      edge.route({
        method: 'GET',
        path: '/one',
        summary: 'Ask PostgreSQL and Temporal',
        scope: null,
        responses: { 200: { description: 'x', schema: v.string() } },
        handler: async () => {
          await postgres.sql`select 1`;
          const handle = client.workflow.getHandle('none');
          return { status: 200, body: await handle.describe().then(String, () => 'no Temporal') };
        },
      });
      return edge;
    },
  });
}
