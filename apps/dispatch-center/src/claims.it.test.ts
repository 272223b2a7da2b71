import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClaimCheck } from '@heliograph/codec/claims';
import { createFileStore } from '@heliograph/codec/claims/file';
import { createPostgresRegistry, createPostgresStore } from '@heliograph/codec/claims/postgres';
import { createCodec, createCodecPlugin, parseKeyRing } from '@heliograph/codec/codecs';
import {
  connectClickHouse,
  connectPostgres,
  createSealer,
  parseKeyRing as parseSealingKeys,
} from '@heliograph/database';
import { DISPATCH_DOMAIN } from '@heliograph/dispatch-workflows';
import { createExplainer } from '@heliograph/dispatch-workflows/explain';
import { createDispatchStores, migrateDispatch, type NewIssue } from '@heliograph/dispatch-workflows/stores';
import { startNotificationSink } from '@heliograph/simulators';
import {
  eventually,
  freshClickHouse,
  freshNamespace,
  freshPostgres,
  readHistories,
  recordHistory,
  replayHistory,
} from '@heliograph/testkit';
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { keyRing } from './testing/key-ring.ts';
import { killNow, SEALING_KEYS, startWorker } from './testing/start-worker.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const ALERTS = 200;
const THRESHOLD_BYTES = 1024;
const RING = keyRing(DISPATCH_DOMAIN, { claims: true });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dispatch-claims-'));
});
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await killNow(child);
  await rm(folder, { recursive: true });
});
afterAll(() => Runtime.instance().shutdown());

test.each(['postgres', 'file'])(
  'with large payloads in %s nothing is lost by kill -9, and every history replays',
  async (kind) => {
    const [postgresDatabase, clickhouseDatabase, temporal, sink] = await Promise.all([
      freshPostgres('claims'),
      freshClickHouse('claims'),
      freshNamespace('claims'),
      startNotificationSink(),
    ]);
    const postgres = connectPostgres({ url: postgresDatabase.url, applicationName: 'claims' });
    const clickhouse = connectClickHouse({ url: clickhouseDatabase.url, application: 'claims' });
    const ground = {
      postgresUrl: postgresDatabase.url,
      clickhouseDatabase: clickhouseDatabase.database,
      temporal,
    };
    const start = (name: string): Promise<ChildProcess> =>
      startWorker(name, ground, children, {
        HELIOGRAPH_CODEC_KEYS: RING,
        HELIOGRAPH_CODEC_CLAIMS: kind === 'file' ? `file:${folder}` : kind,
        HELIOGRAPH_CODEC_CLAIMS_THRESHOLD_BYTES: String(THRESHOLD_BYTES),
      });
    try {
      await migrateDispatch(postgres, clickhouse);
      const sealer = createSealer(parseSealingKeys(SEALING_KEYS));
      const stores = createDispatchStores({ postgres, clickhouse, sealer });
      await stores.connectedApps.create('app1', {
        name: 'on-call',
        provider: 'webhook',
        settings: { url: sink.url },
        enabled: true,
        secret: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
      });
      await stores.routes.create('r1', {
        name: 'all',
        query: 'severity:critical',
        enabled: true,
        connectedAppIds: ['app1'],
      });

      const issues = Array.from({ length: ALERTS }, (_, index) => issueOf(`f${index}`));
      const first = await start('first');
      await stores.issues.append(issues, 'first');
      await eventually('some are delivered', () => sink.records.length >= 20, { timeoutMs: 60_000 });
      await killNow(first);
      expect(sink.records.length).toBeLessThan(ALERTS);
      await start('second');
      const delivered = () =>
        new Map(sink.records.map(({ body }) => [body.issue.eventId, body.issue.labels]));
      await eventually('all are delivered', () => delivered().size === ALERTS, { timeoutMs: 120_000 });
      for (const { eventId, labels } of issues) expect(delivered().get(eventId)).toEqual(labels);
      // The same notification twice is possible after a kill, another one is not.
      expect(new Set(sink.records.map(({ webhookId }) => webhookId)).size).toBe(ALERTS);

      const explainer = createExplainer(stores);
      const [{ fingerprint, labels } = issueOf('')] = issues;
      const explained = await eventually('it is explained', async () => {
        const explanation = await explainer.explain({ fingerprint });
        return JSON.stringify(explanation).includes('"delivered"') && explanation;
      });
      expect(explained).toMatchObject({ issue: { labels }, routes: [{ matched: true, reason: 'matched' }] });

      const owners = await postgres.sql<
        { workflow_id: string }[]
      >`select distinct workflow_id from claims.owners`;
      expect(owners.map((owner) => owner.workflow_id)).toEqual(['monitor-instances']);
      const rows = await postgres.sql`select from claims.objects`;
      const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
        entry.isFile(),
      );
      expect([rows.length > 0, files.length > 0]).toEqual([kind === 'postgres', kind === 'file']);

      // As they are stored, and read as any process reads them.
      const histories = join(folder, 'histories');
      const client = new Client(temporal);
      const { executions } = await temporal.connection.workflowService.listWorkflowExecutions({
        namespace: temporal.namespace,
      });
      for (const { execution, type } of executions) {
        const { workflowId = '', runId = '' } = execution ?? {};
        const fixture = { directory: histories, workflowType: type?.name ?? '', scenario: runId ?? '' };
        await recordHistory(client, { workflowId: workflowId ?? '', runId: runId ?? '' }, fixture);
      }
      const recorded = await readHistories(histories);
      expect(recorded.length).toBeGreaterThan(ALERTS);
      const orchestrators = recorded.filter(({ workflowType }) => workflowType === 'monitorInstances');
      expect(orchestrators.some(({ json }) => JSON.stringify(json).includes('externalPayloads'))).toBe(true);
      const store = kind === 'file' ? await createFileStore({ folder }) : createPostgresStore(postgres);
      const codec = createCodec({
        keys: parseKeyRing(RING),
        namespace: temporal.namespace,
        domain: DISPATCH_DOMAIN,
        claims: createClaimCheck({
          store,
          registry: createPostgresRegistry(postgres),
          thresholdBytes: THRESHOLD_BYTES,
        }),
      });
      const code = await readFile(
        new URL(import.meta.resolve('@heliograph/dispatch-workflows/workflows.bundle.js')),
        'utf8',
      );
      const options = {
        namespace: temporal.namespace,
        workflowBundle: { code },
        plugins: [createCodecPlugin(codec)],
      };
      for (const history of [...orchestrators, ...recorded.slice(0, 20)])
        await expect(replayHistory(options, history)).resolves.toBeUndefined();
    } finally {
      for (const child of children.splice(0)) await killNow(child);
      await temporal.close();
      await sink.close();
      await postgres.close();
      await clickhouse.close();
      await postgresDatabase.drop();
      await clickhouseDatabase.drop();
    }
  },
  240_000,
);

/** An issue whose labels alone are larger than what is stored inline. */
function issueOf(fingerprint: string): NewIssue {
  return {
    eventId: `event-${fingerprint}`,
    monitor: 'm',
    fingerprint,
    status: 'firing',
    severity: 'critical',
    labels: { large: randomBytes(2 * THRESHOLD_BYTES).toString('hex') },
    annotations: {},
    startsAt: Date.now(),
    endsAt: null,
  };
}
