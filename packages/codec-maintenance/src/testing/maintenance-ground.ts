import proto from '@temporalio/proto';
import {
  createCodec,
  createCodecPlugin,
  createKey,
  createKeyRing,
  FAILURE_CONVERTER_PATH,
  type KeyRing,
} from '@heliograph/codec/codecs';
import { bundleWorkflows, createTemporalWorkers } from '@heliograph/temporal-worker';
import { createTemporalClient } from '@heliograph/temporal-worker/client';
import { freshNamespace } from '@heliograph/testkit';
import type { MaintenanceActivities } from '../contract/maintenance-activities.ts';
import { MAINTENANCE_DOMAIN, MAINTENANCE_TASK_QUEUE } from '../contract/names.ts';

/** The workflows, or others, bundled as the package's build does. */
export function bundleFromSource(workflows: URL = new URL('../workflows/index.ts', import.meta.url)) {
  return bundleWorkflows({
    workflows,
    failureConverter: FAILURE_CONVERTER_PATH,
    sourceCondition: '@heliograph/source',
  });
}

/** Keys of the domains `test` and `maintenance`; the first id is active, all decrypt. */
export function ringOf(active: 'k0' | 'k1'): KeyRing {
  const [k0, k1] = [createKey('k0', Buffer.alloc(32, 1)), createKey('k1', Buffer.alloc(32, 2))] as const;
  const test = active === 'k0' ? { active: k0, others: [k1] } : { active: k1, others: [k0] };
  return createKeyRing({
    test,
    [MAINTENANCE_DOMAIN]: { active: createKey('m1', Buffer.alloc(32, 3)), others: [] },
  });
}

/** What encrypts the payloads of maintenance itself. */
export function encryptionOf(namespace: string) {
  const codec = createCodec({ keys: ringOf('k1'), namespace, domain: MAINTENANCE_DOMAIN });
  return createCodecPlugin(codec).configureClient({ dataConverter: {} }).dataConverter;
}

/** A namespace, a client, and workers that run the maintenance in it. */
export async function maintenanceGround(label: string, options: { readonly isPlain?: boolean } = {}) {
  const temporal = await freshNamespace(label);
  const { connection, nativeConnection, namespace } = temporal;
  const converter = options.isPlain === true ? {} : { dataConverter: encryptionOf(namespace) };
  return {
    ...temporal,
    client: createTemporalClient({ connection, namespace, identity: 'tester', ...converter }),
    worker: (workflowBundle: { readonly code: string }, activities: MaintenanceActivities) =>
      createTemporalWorkers({
        connection: nativeConnection,
        namespace,
        workflowBundle,
        identity: 'tester',
        ...converter,
        workers: [
          {
            taskQueue: MAINTENANCE_TASK_QUEUE,
            workflows: true,
            activities: { ...activities },
            shutdownGraceMs: 1000,
          },
        ],
      }),
  };
}

/** The name of an object, in the order of its number. */
export function nameOf(number: number): string {
  return `c1-${String(number).padStart(64, '0')}.${'a'.repeat(16)}`;
}

/** Stored objects of the domain `test`, encrypted with the key `k0`, by name. */
export async function objectsOf(
  namespace: string,
  count: number,
  from = 0,
): Promise<Map<string, Uint8Array>> {
  const codec = createCodec({ keys: ringOf('k0'), namespace, domain: 'test' });
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"stored"') };
  const envelopes = await codec.encode(Array.from({ length: count }, () => payload));
  return new Map(
    envelopes.map((envelope, index) => [
      nameOf(from + index),
      proto.temporal.api.common.v1.Payload.encode(envelope).finish(),
    ]),
  );
}
