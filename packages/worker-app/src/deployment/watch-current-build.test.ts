import { startTelemetry, type ServicePart } from '@heliograph/service';
import type { DeploymentService } from '@heliograph/temporal-worker/deployments';
import { eventually } from '@heliograph/testkit';
import { afterEach, expect, test } from '@jest/globals';
import { watchCurrentBuild } from './watch-current-build.ts';

const parts: ServicePart[] = [];
afterEach(async () => {
  for (const part of parts.splice(0)) await part.stop(1000);
});

/** Watches build `one` of `d`, of which the server says `answer()`: what is current, or an error. */
function watch(answer: () => string | null | Error) {
  const lines: string[] = [];
  const telemetry = startTelemetry({ serviceName: 'tiny', version: '1.0.0' });
  parts.push({ name: 'telemetry', stop: () => telemetry.shutdown() });
  let reads = 0;
  const workflowService = {
    describeWorkerDeployment: async () => {
      reads += 1;
      const current = answer();
      if (current instanceof Error) throw current;
      const version = current === null ? {} : { currentDeploymentVersion: { buildId: current } };
      return { conflictToken: new Uint8Array(), workerDeploymentInfo: { name: 'd', routingConfig: version } };
    },
  };
  const connection = { withDeadline: (_: number, call: () => unknown) => call(), workflowService };
  const note = (_: unknown, line?: string) => void lines.push(line ?? '');
  watchCurrentBuild(
    { connection, namespace: 'n', identity: 'tiny' } as unknown as DeploymentService,
    { name: 'd', buildId: 'one' },
    { logger: { info: note, warn: note }, telemetry, register: (part) => void parts.push(part) },
    { intervalMs: 5, waitingIntervalMs: 5 },
  );
  const gauge = async () =>
    /^heliograph_worker_build_current\{[^}]*\} (\d)$/m.exec(await telemetry.prometheusText())?.[1];
  return { lines, gauge, reads: () => reads };
}

const grpc = (code: number, details: string) =>
  Object.assign(new Error(details), { code, details, metadata: {} });
const WARNING =
  'no build of d is current, so its workers get no new work: run heliograph deploy set-current one -d d';

test('a deployment without a current build is warned of once, each time', async () => {
  let current: string | null | Error = grpc(5, "no Worker Deployment found with name 'd'");
  const { lines, gauge, reads } = watch(() => current);
  const readOn = async () => {
    const before = reads();
    await eventually('it was read again', () => reads() > before + 2);
  };
  await readOn();
  expect([lines, await gauge()]).toEqual([[WARNING], '0']);
  current = null;
  await readOn();
  expect(lines).toEqual([WARNING]);
  current = 'one';
  await readOn();
  expect([lines, await gauge()]).toEqual([[WARNING, 'a build of d is current'], '1']);
  current = 'two';
  await readOn();
  expect(await gauge()).toBe('0');
  current = null;
  await readOn();
  expect(lines).toEqual([WARNING, 'a build of d is current', WARNING]);
});

test('what cannot be read is said once, and the gauge says nothing', async () => {
  const { lines, gauge, reads } = watch(() => grpc(7, 'not allowed'));
  await eventually('it was read again', () => reads() > 3);
  expect([lines, await gauge()]).toEqual([['cannot read which build is current'], undefined]);
});
