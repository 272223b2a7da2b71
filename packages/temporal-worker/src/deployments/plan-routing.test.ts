import { describe, expect, test } from '@jest/globals';
import { toDeployment } from './deployment.ts';
import { decideStop } from './may-stop.ts';
import { planRouting, type RoutingChange } from './plan-routing.ts';

const version = (buildId: string) => ({ deploymentName: 'd', buildId });
const deployment = (current: string | null, ramp?: readonly [string | null, number]) =>
  toDeployment(
    {
      name: 'd',
      routingConfig: {
        ...(current === null ? {} : { currentDeploymentVersion: version(current) }),
        ...(ramp === undefined || ramp[0] === null ? {} : { rampingDeploymentVersion: version(ramp[0]) }),
        rampingVersionPercentage: ramp?.[1] ?? 0,
      },
      versionSummaries: ['a', 'b', 'c'].map((id) => ({ deploymentVersion: version(id) })),
    },
    new Uint8Array(),
  );

describe('a change of routing', () => {
  const setCurrent = (buildId: string): RoutingChange => ({ kind: 'set-current', buildId });
  const ramp = (buildId: string, percent: number): RoutingChange => ({ kind: 'ramp', buildId, percent });
  const end: RoutingChange = { kind: 'end-ramp' };

  test.each<[string | null, readonly [string | null, number] | undefined, RoutingChange, string]>([
    [null, undefined, setCurrent('a'), 'change'],
    ['a', undefined, setCurrent('b'), 'change'],
    ['a', undefined, setCurrent('a'), 'nothing'],
    ['a', ['b', 20], setCurrent('b'), 'change'],
    // It would go on ramping b, so this roll back would be none.
    ['a', ['b', 20], setCurrent('a'), 'DEPLOYMENT_ROUTING_CONFLICT'],
    ['a', ['b', 20], setCurrent('c'), 'DEPLOYMENT_ROUTING_CONFLICT'],
    ['a', [null, 20], setCurrent('b'), 'DEPLOYMENT_ROUTING_CONFLICT'],
    ['a', undefined, setCurrent('x'), 'DEPLOYMENT_BUILD_UNKNOWN'],
    ['a', undefined, ramp('b', 5), 'change'],
    ['a', ['b', 5], ramp('b', 5), 'nothing'],
    ['a', ['b', Math.fround(33.3)], ramp('b', 33.3), 'nothing'],
    ['a', ['b', 5], ramp('b', 0), 'change'],
    ['a', ['b', 5], ramp('c', 5), 'DEPLOYMENT_ROUTING_CONFLICT'],
    ['a', undefined, ramp('a', 5), 'DEPLOYMENT_ROUTING_CONFLICT'],
    ['a', undefined, ramp('x', 5), 'DEPLOYMENT_BUILD_UNKNOWN'],
    ['a', undefined, ramp('b', 101), 'DEPLOYMENT_REFUSED'],
    ['a', undefined, ramp('b', -1), 'DEPLOYMENT_REFUSED'],
    ['a', undefined, ramp('b', Number.NaN), 'DEPLOYMENT_REFUSED'],
    ['a', ['b', 5], end, 'change'],
    ['a', ['b', 0], end, 'change'],
    ['a', undefined, end, 'nothing'],
  ])('with %s current and %j ramping, %j is: %s', (current, ramping, change, expected) => {
    let outcome: unknown;
    try {
      outcome = planRouting(deployment(current, ramping), change);
    } catch (error) {
      outcome = typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
    }
    expect(outcome).toBe(expected);
  });
});

describe('a build', () => {
  test.each([
    ['is drained once the server says so', { drainageInfo: { status: 2 } }, 'drained'],
    ['is draining', { drainageInfo: { status: 1 }, firstActivationTime: { seconds: 1 } }, 'draining'],
    // The server looks with a delay. Stopped in between, it could never drain.
    ['is draining before the server has looked', { firstActivationTime: { seconds: 1 } }, 'draining'],
    ['is inactive if it was never used', { status: 1 }, 'inactive'],
    ['is created if no worker of it was seen', { status: 6 }, 'created'],
    // Routing is changed first, and summaries follow.
    [
      'is current if routing says so',
      { deploymentVersion: version('a'), drainageInfo: { status: 2 } },
      'current',
    ],
  ])('%s', (_, summary, status) => {
    const { builds } = toDeployment(
      {
        name: 'd',
        routingConfig: { currentDeploymentVersion: version('a') },
        versionSummaries: [{ deploymentVersion: version('b'), ...summary } as never],
      },
      new Uint8Array(),
    );
    expect(builds[0]?.status).toBe(status);
  });

  test.each([
    ['current', [0, 0], false],
    ['ramping', [0, 0], false],
    ['draining', [0, 0], false],
    ['drained', [0, 0], true],
    ['drained', [1, 0], false],
    ['drained', [0, 1], false],
    ['inactive', [0, 0], true],
    ['inactive', [0, 2], false],
    ['created', [0, 0], true],
  ] as const)('that is %s, with %j pinned runs, may stop: %s', (status, pinnedRuns, mayStop) => {
    expect(decideStop({ buildId: 'a', status, pinnedRuns }).mayStop).toBe(mayStop);
  });
});
