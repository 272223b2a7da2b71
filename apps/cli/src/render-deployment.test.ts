import type { Build, BuildStatus, Deployment } from '@heliograph/temporal-worker/deployments';
import { expect, test } from '@jest/globals';
import { chooseBuilds } from './choose-builds.ts';
import { renderDeployment } from './render-deployment.ts';

const NOW = new Date('2026-07-01T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);
const build = (buildId: string, status: BuildStatus): Build => ({
  buildId,
  status,
  createdAt: ago(3600),
  deactivatedAt: null,
  drainageCheckedAt: null,
});

test('status looks up each build that may have work, however old it is', () => {
  const builds = [
    ...Array.from({ length: 12 }, (_, index) => build(`r${index}`, 'drained')),
    build('still draining', 'draining'),
    build('drained', 'drained'),
    build('rolled back to', 'current'),
    build('ramping', 'ramping'),
    build('never used', 'inactive'),
  ];
  const chosen = chooseBuilds(builds).map(({ buildId }) => buildId);
  expect(chosen.slice(0, 10)).toEqual(builds.slice(0, 10).map(({ buildId }) => buildId));
  expect(chosen.slice(10)).toEqual(['still draining', 'rolled back to', 'ramping']);
});

test('what was not looked up is not said to have no workers', () => {
  const deployment: Deployment = {
    name: 'd',
    current: 'one',
    ramp: null,
    builds: [build('one', 'current'), build('two', 'inactive'), build('three', 'drained')],
    isPropagated: true,
    lastModifiedBy: null,
    conflictToken: new Uint8Array(),
  };
  const queue = { name: 'q', kind: 'activity' as const };
  const details = [
    {
      buildId: 'one',
      pinnedRuns: 1,
      movingRuns: 2,
      queues: [
        { ...queue, polledAt: ago(200), heartbeatAt: ago(20) },
        { ...queue, polledAt: null, heartbeatAt: null },
      ],
    },
    {
      buildId: 'two',
      pinnedRuns: 0,
      movingRuns: 0,
      queues: [{ ...queue, polledAt: null, heartbeatAt: null }],
    },
  ];
  const text = renderDeployment(deployment, details, NOW, { env: {}, isTty: false, columns: 120 });
  expect(text.split('\n').slice(3)).toEqual([
    expect.stringMatching(/^ {2}one +current +\S+ +1 +2 +20 s ago$/),
    expect.stringMatching(/^ {2}two +inactive +\S+ +0 +0 +none$/),
    expect.stringMatching(/^ {2}three +drained +\S+ +- +- +-$/),
    '',
  ]);
});
