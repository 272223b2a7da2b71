import { hostname } from 'node:os';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { installTemporalRuntime } from '@heliograph/temporal-worker';
import { eventually, recordHistory } from '@heliograph/testkit';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { MaintenanceActivities } from '../contract/maintenance-activities.ts';
import { COLLECT_STORED_PAYLOADS, MAINTENANCE_TASK_QUEUE, ROTATE_KEYS } from '../contract/names.ts';
import { NOTHING_ROTATED } from '../contract/results.ts';
import { bundleFromSource, maintenanceGround } from './maintenance-ground.ts';

// Records the histories that `replay.it.test.ts` replays: `npm run histories`. Names of fixtures are permanent, and
// those of code that was replaced stay as `<scenario>@<what it was>`: rename before changing, record afterwards.
const DIRECTORY = new URL('../__histories__/', import.meta.url);

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });

let bundle: { readonly code: string };
let ground: Awaited<ReturnType<typeof maintenanceGround>>;
beforeAll(async () => {
  [bundle, ground] = await Promise.all([
    bundleFromSource(),
    maintenanceGround('histories', { isPlain: true }),
  ]);
});
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
});

const collected = { owners: 3, disowned: 1, uncertain: 0, deleted: 2, orphans: 1 };
const report = { keys: [{ domain: 'dispatch', keyId: 'k0', uses: 4 }], plain: 1, isOverflown: false };
const batches = (count: number): MaintenanceActivities => ({
  collectStored: async () => collected,
  reencryptStored: async (after) => {
    const done = after === null ? 1 : Number(after) + 1;
    return { counts: { ...NOTHING_ROTATED, reencrypted: 10 }, next: done < count ? String(done) : null };
  },
  countKeyUse: async () => report,
});
/** A failure without a stack, since a stack names paths. */
function away(): Error {
  const error = new Error('away');
  error.stack = 'Error: away';
  return error;
}
async function waitForEver(): Promise<never> {
  for (;;) {
    heartbeat();
    cancellationSignal().throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Writes a fixture; gives back what of this machine is in it. */
async function record(
  workflowType: string,
  scenario: string,
  activities: MaintenanceActivities,
  input: readonly unknown[] = [],
  isFinished = true,
): Promise<readonly string[]> {
  const worker = await ground.worker(bundle, activities);
  const workflowId = `${workflowType}-${scenario}`;
  return worker.runUntil(async () => {
    const handle = await ground.client.workflow.start(workflowType, {
      workflowId,
      taskQueue: MAINTENANCE_TASK_QUEUE,
      args: [...input],
    });
    if (isFinished) await handle.result();
    else
      await eventually('an activity that runs', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).length > 0;
      });
    const file = await recordHistory(
      ground.client,
      { workflowId, runId: handle.firstExecutionRunId },
      { directory: DIRECTORY, workflowType, scenario },
    );
    if (!isFinished) await handle.terminate();
    const text = await readFile(file, 'utf8');
    return [hostname(), 'node_modules'].filter((place) => text.includes(place));
  });
}

test('collectStoredPayloads', async () => {
  await expect(record(COLLECT_STORED_PAYLOADS, 'collected', batches(1))).resolves.toEqual([]);
  let attempts = 0;
  await expect(
    record(COLLECT_STORED_PAYLOADS, 'away-at-first', {
      ...batches(1),
      collectStored: async () => {
        if (++attempts === 1) throw away();
        return collected;
      },
    }),
  ).resolves.toEqual([]);
  await expect(
    record(COLLECT_STORED_PAYLOADS, 'mid-flight', { ...batches(1), collectStored: waitForEver }, [], false),
  ).resolves.toEqual([]);
});

test('rotateKeys', async () => {
  await expect(record(ROTATE_KEYS, 'one-batch', batches(1))).resolves.toEqual([]);
  await expect(record(ROTATE_KEYS, 'several-batches', batches(5))).resolves.toEqual([]);
  await expect(record(ROTATE_KEYS, 'handed-over', batches(53))).resolves.toEqual([]);
  await expect(
    record(ROTATE_KEYS, 'taken-over', batches(5), [
      { after: '2', counts: { ...NOTHING_ROTATED, reencrypted: 20, failed: { CODEC_KEY_UNKNOWN: 1 } } },
    ]),
  ).resolves.toEqual([]);
  await expect(
    record(ROTATE_KEYS, 'mid-flight', { ...batches(1), countKeyUse: waitForEver }, [], false),
  ).resolves.toEqual([]);
});
