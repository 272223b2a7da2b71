import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { startSystem, type System } from './start-system.ts';
import { readStoredHistories, whenAdmitted } from './stored-payloads.ts';

const STREAMS = 1000;

let system: System;
beforeAll(async () => {
  system = await startSystem();
}, 120_000);
afterAll(() => system.stop(), 60_000);

interface Key {
  readonly id: string;
  readonly key: string;
}

/** Replaces the key ring as a mounted secret is: by a rename. Resolves when API and worker use it. */
async function rotateTo(active: string, keys: readonly Key[]): Promise<void> {
  const before = rolesFollowed();
  const draft = `${system.keyFile}.draft`;
  writeFileSync(draft, JSON.stringify({ domains: { dispatch: { active, keys } } }), { mode: 0o600 });
  renameSync(draft, system.keyFile);
  await eventually('both roles use the keys', () => rolesFollowed() === before + 2, { timeoutMs: 30_000 });
}

/** How often a role has said that it uses another key ring. */
function rolesFollowed(): number {
  const logs = ['api', 'worker'].map((role) =>
    readFileSync(join(system.stack.directory, 'logs', `dispatch-center-${role}.log`), 'utf8'),
  );
  return logs.join('').split('the key file has changed').length - 1;
}

async function report(round: number, status: 'firing' | 'suppressed'): Promise<void> {
  const issues = Array.from({ length: STREAMS }, (_, index) => ({
    eventId: `${round}-${index}`,
    monitor: 'rotation',
    fingerprint: `stream${index}`,
    status,
  }));
  await system.client.storeIssues({ body: { issues } });
}

/** Waits until all reports of so many rounds have reached their streams. */
async function dispatched(rounds: number): Promise<void> {
  await eventually(
    `the signals of ${rounds} rounds are sent`,
    async () => {
      const metrics = await (await fetch(`${system.workerUrl}/metrics`)).text();
      const [, sent] =
        /^heliograph_dispatch_signals_total\{[^}]*result="sent"[^}]*\} (\d+)/m.exec(metrics) ?? [];
      return Number(sent) >= rounds * STREAMS;
    },
    { timeoutMs: 300_000, intervalMs: 500 },
  );
}

async function running(): Promise<number> {
  const { count } = await whenAdmitted(() =>
    system.temporal.workflow.count("ExecutionStatus = 'Running' and WorkflowType = 'monitorInstanceAlert'"),
  );
  return count;
}

test('a key that is rotated in the middle of 1,000 running workflows fails no task', async () => {
  const { client, sink, temporal, keyFile } = system;
  const settings = { url: sink.url };
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const app = await client.createConnectedApp({
    body: { name: 'all', provider: 'webhook', settings, secret },
  });
  await client.createRoute({ body: { name: 'all', query: '', connectedAppIds: [app.body.id] } });

  // Nothing is delivered, so every stream goes on running.
  sink.setFaults([{ fault: { kind: 'status', status: 503 } }]);
  await report(1, 'firing');
  await eventually('1,000 workflows run', async () => (await running()) >= STREAMS, {
    timeoutMs: 300_000,
    intervalMs: 500,
  });

  const ring: { domains: { dispatch: { keys: Key[] } } } = JSON.parse(readFileSync(keyFile, 'utf8'));
  const [first] = ring.domains.dispatch.keys;
  if (first === undefined) throw new Error('the stack has no key');
  const second = { id: 'local-2', key: randomBytes(32).toString('base64url') };
  // As the documentation says: everybody can read with the new key before anybody writes with it.
  await rotateTo(first.id, [first, second]);
  await report(2, 'suppressed');
  await dispatched(2);
  await rotateTo(second.id, [first, second]);
  const rotatedAt = Date.now();
  await report(3, 'firing');
  // A signal that meets a stream that is about to end makes the server repeat the last task of that stream.
  await dispatched(3);
  expect(await running()).toBeGreaterThanOrEqual(STREAMS);

  sink.setFaults([]);
  await eventually('every stream has ended', async () => (await running()) === 0, {
    timeoutMs: 240_000,
    intervalMs: 1000,
  });
  const accepted = sink.records.filter(({ answer }) => answer === 'accepted');
  expect(new Set(accepted.map(({ body }) => body.streamId)).size).toBe(STREAMS);

  const { runs, events, payloads } = await readStoredHistories(temporal);
  expect(runs).toBeGreaterThan(STREAMS);
  // On a busy machine workflow tasks time out, waiting for the worker that has their workflow in its cache.
  const ofTasks = [...events].filter(([type]) => /FAILED|ACTIVITY_TASK_TIMED_OUT|TERMINATED/.test(type));
  expect(ofTasks).toEqual([]);
  const encrypted = payloads.filter(({ plainAs }) => plainAs === null);
  const keyIdsOf = (isWanted: (writtenAt: number) => boolean) => [
    ...new Set(encrypted.filter(({ writtenAt }) => isWanted(writtenAt ?? 0)).map(({ keyId }) => keyId)),
  ];
  expect(keyIdsOf((at) => at < rotatedAt - 10_000)).toEqual([first.id]);
  expect(keyIdsOf((at) => at > rotatedAt)).toEqual([second.id]);
}, 1_200_000);
