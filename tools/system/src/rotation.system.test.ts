import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCodec, createCodecPlugin, type KeyFile, watchKeyFile } from '@heliograph/codec/codecs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { startSystem, type System } from './start-system.ts';
import { readStoredHistories, whenAdmitted } from './stored-payloads.ts';
import { add, end, type keep, type KeepingActivities } from './testing/kept-workflows.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const WORKFLOWS = 1000;
/** Calls to the server at once. */
const LANES = 50;
/** Alerts of the Dispatch Center that are reported before, during and after the rotation. */
const ALERTS = 50;
const NAMESPACE = 'heliograph';
const TASK_QUEUE = 'rotation';

let system: System;
beforeAll(async () => {
  system = await startSystem();
}, 120_000);
afterAll(async () => {
  await system.stop();
  await Runtime.instance().shutdown();
}, 60_000);

interface Key {
  readonly id: string;
  readonly key: string;
}

/** Replaces the key ring as a mounted secret is: by a rename. Resolves when every process and client uses it. */
async function rotateTo(active: string, keys: readonly Key[], followers: readonly KeyFile[]): Promise<void> {
  const before = rolesFollowed();
  const draft = `${system.keyFile}.draft`;
  writeFileSync(draft, JSON.stringify({ domains: { dispatch: { active, keys } } }), { mode: 0o600 });
  renameSync(draft, system.keyFile);
  await Promise.all(followers.map((file) => file.reload()));
  await eventually('both roles use the keys', () => rolesFollowed() === before + 2);
}

/** How often a role of the Dispatch Center has said that it uses another key ring. */
function rolesFollowed(): number {
  const logs = ['api', 'worker'].map((role) =>
    readFileSync(join(system.stack.directory, 'logs', `dispatch-center-${role}.log`), 'utf8'),
  );
  return logs.join('').split('the key file has changed').length - 1;
}

/** Reports alerts of their own, and waits until the receiver has accepted all of them. */
async function deliver(name: string): Promise<void> {
  const issues = Array.from({ length: ALERTS }, (_, index) => ({
    eventId: `${name}${index}`,
    monitor: 'rotation',
    fingerprint: `${name}${index}`,
    status: 'firing' as const,
  }));
  await system.client.storeIssues({ body: { issues } });
  const wanted = new Set(issues.map(({ eventId }) => eventId));
  await eventually(
    `the alerts reported ${name} the rotation are delivered`,
    () =>
      new Set(
        system.sink.records
          .filter(({ answer, body }) => answer === 'accepted' && wanted.has(body.issue.eventId))
          .map(({ body }) => body.issue.eventId),
      ).size === ALERTS,
    { timeoutMs: 120_000 },
  );
}

/** Does something for every workflow, for some of them at once. */
async function forAll(each: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < WORKFLOWS; index = next++) await each(index);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

const idOf = (index: number): string => `kept-${index}`;

test('a key that is rotated in the middle of 1,000 running workflows fails no task', async () => {
  const { client: dispatch, sink, temporal, keyFile, stack } = system;
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const app = await dispatch.createConnectedApp({
    body: { name: 'all', provider: 'webhook', settings: { url: sink.url }, secret },
  });
  await dispatch.createRoute({ body: { name: 'all', query: '', connectedAppIds: [app.body.id] } });

  const ring: { domains: { dispatch: { keys: Key[] } } } = JSON.parse(readFileSync(keyFile, 'utf8'));
  const [first, ...others] = ring.domains.dispatch.keys;
  if (first === undefined) throw new Error('the stack has no key');
  const second = { id: 'local-2', key: randomBytes(32).toString('base64url') };
  const bothKeys = [first, second, ...others];

  const address = stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '';
  const [keysOfWorker, keysOfClient] = [await watchKeyFile(keyFile), await watchKeyFile(keyFile)];
  const followers = [keysOfWorker, keysOfClient];
  const pluginWith = (keys: KeyFile) =>
    createCodecPlugin(createCodec({ keys, namespace: NAMESPACE, domain: 'dispatch' }));
  const plugins = [pluginWith(keysOfWorker)];
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const activities: KeepingActivities = { repeat: async (text) => text };
  try {
    const worker = await Worker.create({
      connection: native,
      namespace: NAMESPACE,
      taskQueue: TASK_QUEUE,
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL('testing/kept-workflows.ts', import.meta.url)),
        logger: new DefaultLogger('ERROR'),
        plugins,
      }),
      activities,
      plugins,
    });
    const client = new Client({ connection, namespace: NAMESPACE, plugins: [pluginWith(keysOfClient)] });
    await worker.runUntil(async () => {
      await forAll((index) =>
        client.workflow.start<typeof keep>('keep', {
          workflowId: idOf(index),
          taskQueue: TASK_QUEUE,
          args: [`first of ${index}`],
        }),
      );
      await deliver('before');

      // As the documentation says: everybody can read with the new key before anybody writes with it.
      await rotateTo(first.id, bothKeys, followers);
      let added = 0;
      let rotation: Promise<void> | undefined;
      await forAll(async (index) => {
        const text = `second of ${index}`;
        const handle = client.workflow.getHandle(idOf(index));
        // One workflow in four also waits for a task of an activity.
        const place = index % 4 === 0 ? 'remote' : 'local';
        expect(await handle.executeUpdate(add, { args: [text, place] })).toBe(text);
        if (++added === WORKFLOWS / 2)
          rotation = Promise.all([rotateTo(second.id, bothKeys, followers), deliver('during')]).then(
            () => undefined,
          );
      });
      await rotation;
      const running = await whenAdmitted(() =>
        temporal.workflow.count("ExecutionStatus = 'Running' and WorkflowType = 'keep'"),
      );
      expect(running.count).toBe(WORKFLOWS);

      await deliver('after');
      await forAll(async (index) => {
        const handle = client.workflow.getHandle<typeof keep>(idOf(index));
        await handle.signal(end);
        expect(await handle.result()).toEqual([`first of ${index}`, `second of ${index}`]);
      });
    });
  } finally {
    await connection.close();
    await native.close();
    for (const each of followers) each.close();
  }

  const { runs, events, payloads } = await readStoredHistories(temporal);
  expect(runs).toBeGreaterThanOrEqual(WORKFLOWS + 3 * ALERTS);
  // On a busy machine workflow tasks time out, waiting for the worker that has their workflow in its cache.
  const failedTasks = [...events].filter(([type]) => /FAILED|ACTIVITY_TASK_TIMED_OUT|TERMINATED/.test(type));
  expect(failedTasks).toEqual([]);
  const encrypted = payloads.filter(({ plainAs }) => plainAs === null);
  expect(encrypted.filter(({ encoding }) => encoding !== 'binary/encrypted')).toEqual([]);
  const keyIdsOf = (places: RegExp) =>
    new Set(encrypted.filter(({ place }) => places.test(place)).map(({ keyId }) => keyId));
  expect(keyIdsOf(/^kept-.*\.workflowExecutionStarted/)).toEqual(new Set([first.id]));
  const both = new Set([first.id, second.id]);
  expect(keyIdsOf(/^kept-.*\.activityTask(?:Scheduled|Completed)/)).toEqual(both);
  expect(keyIdsOf(/^kept-.*\.markerRecorded/)).toEqual(both);
  expect(keyIdsOf(/^kept-.*\.workflowExecutionCompleted/)).toEqual(new Set([second.id]));
  expect(keyIdsOf(/^alert-before\d/)).toEqual(new Set([first.id]));
  expect(keyIdsOf(/^alert-after\d/)).toEqual(new Set([second.id]));
}, 900_000);
