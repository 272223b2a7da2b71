import { describe, expect, test } from '@jest/globals';
import type { DeploymentService } from './call-service.ts';
import { changeRouting } from './change-routing.ts';
import type { RoutingChange } from './plan-routing.ts';

const version = (buildId: string) => ({ deploymentName: 'd', buildId });

/** A deployment with `one` current, whose description is given once and then fails. */
function failingAfterwards(): { readonly service: DeploymentService; readonly sent: unknown[] } {
  const sent: unknown[] = [];
  let described = 0;
  const change = async (request: unknown) => sent.push(request);
  const workflowService = {
    describeWorkerDeployment: async () => {
      if (described++ > 0)
        throw Object.assign(new Error('gone'), { code: 14, details: 'gone', metadata: {} });
      return {
        conflictToken: new Uint8Array(),
        workerDeploymentInfo: {
          name: 'd',
          routingConfig: {
            currentDeploymentVersion: version('one'),
            rampingDeploymentVersion: version('two'),
            rampingVersionPercentage: 5,
          },
          versionSummaries: ['one', 'two'].map((id) => ({ deploymentVersion: version(id) })),
        },
      };
    },
    setWorkerDeploymentCurrentVersion: change,
    setWorkerDeploymentRampingVersion: change,
  };
  const connection = { withDeadline: (_: number, call: () => unknown) => call(), workflowService };
  return {
    service: { connection, namespace: 'n', identity: 'operator' } as unknown as DeploymentService,
    sent,
  };
}

describe('a change that the server has made is a success although it answers nothing after it', () => {
  test.each<[RoutingChange, string, object | null]>([
    [{ kind: 'set-current', buildId: 'two' }, 'two', null],
    [{ kind: 'ramp', buildId: 'two', percent: 10 }, 'one', { buildId: 'two', percent: 10 }],
    [{ kind: 'end-ramp' }, 'one', null],
  ])('%j', async (change, current, ramp) => {
    const { service, sent } = failingAfterwards();
    const options = { allowMissingPollers: true, propagationMs: 0 };
    await expect(changeRouting(service, 'd', change, options)).resolves.toMatchObject({
      isChanged: true,
      after: { current, ramp, isPropagated: false },
    });
    expect(sent).toHaveLength(1);
  });

  test('and nothing to change is one too', async () => {
    const { service, sent } = failingAfterwards();
    const same: RoutingChange = { kind: 'ramp', buildId: 'two', percent: 5 };
    await expect(changeRouting(service, 'd', same, { propagationMs: 0 })).resolves.toMatchObject({
      isChanged: false,
      after: { current: 'one', ramp: { buildId: 'two', percent: 5 } },
    });
    expect(sent).toEqual([]);
  });
});
