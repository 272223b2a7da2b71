import { describe, expect, test } from '@jest/globals';
import { callService, type DeploymentService } from './call-service.ts';

const service = {
  connection: { withDeadline: (_: number, call: () => unknown) => call() },
  namespace: 'n',
  identity: 'operator',
} as unknown as DeploymentService;

/** An error as gRPC makes it. */
const grpc = (code: number, details: string) =>
  Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} });
const about = { deployment: 'd', buildId: 'b' };
const failing = (error: unknown, isChange = false) =>
  callService(service, { ...about, isChange }, async () => {
    throw error;
  });

describe('an error of the server', () => {
  test.each<[number, string, string, boolean]>([
    [
      5,
      "no Worker Deployment found with name 'd'; does your Worker Deployment have pollers?",
      'DEPLOYMENT_UNKNOWN',
      false,
    ],
    [5, "build ID 'b' not found in Worker Deployment 'd'", 'DEPLOYMENT_BUILD_UNKNOWN', false],
    [5, 'Worker Deployment Version not found', 'DEPLOYMENT_BUILD_UNKNOWN', false],
    [9, 'requested ramping version d.b not found in deployment', 'DEPLOYMENT_BUILD_UNKNOWN', false],
    [9, 'conflict token mismatch', 'DEPLOYMENT_CHANGED_MEANWHILE', false],
    [
      9,
      "ManagerIdentity 'controller' is set and does not match user identity 'operator'; to proceed, …",
      'DEPLOYMENT_MANAGED',
      false,
    ],
    [
      9,
      "proposed current version 'd:b' is missing active task queues from the current version; these would become unversioned if it is set as the current version",
      'DEPLOYMENT_NO_POLLERS',
      false,
    ],
    [
      9,
      'cannot add version d.b since maximum number of versions (100) have been registered in the deployment',
      'DEPLOYMENT_LIMIT',
      false,
    ],
    [
      9,
      'could not add version: too many versions in deployment and none are eligible for deletion',
      'DEPLOYMENT_LIMIT',
      false,
    ],
    [
      8,
      "too many requests issued to Worker Deployment 'd'. Please try again later",
      'DEPLOYMENT_NO_ANSWER',
      true,
    ],
    [8, 'namespace rate limit exceeded', 'DEPLOYMENT_NO_ANSWER', true],
    [4, 'Deadline exceeded', 'DEPLOYMENT_NO_ANSWER', true],
    [14, 'no connection', 'DEPLOYMENT_NO_ANSWER', true],
    [3, 'something else', 'DEPLOYMENT_REFUSED', false],
  ])('%i, %j is %s', async (status, details, code, retryable) => {
    await expect(failing(grpc(status, details))).rejects.toMatchObject({
      code,
      retryable,
      message: expect.stringMatching(/^[^\n]+$/),
    });
  });

  test.each([
    [1, 'gone'],
    [2, 'gone'],
    [4, 'gone'],
    [10, 'gone'],
    [13, 'Received RST_STREAM with code 2'],
    [14, 'gone'],
    [15, 'gone'],
    // From a proxy, which knows nothing of deployments.
    [14, 'upstream connect error: connection limit'],
    [13, 'no Worker Deployment found\nin the cache'],
  ])('%i, %j leaves a change in doubt, and a look without an answer', async (status, details) => {
    await expect(failing(grpc(status, details))).rejects.toMatchObject({
      code: 'DEPLOYMENT_NO_ANSWER',
      retryable: true,
    });
    await expect(failing(grpc(status, details), true)).rejects.toMatchObject({
      code: 'DEPLOYMENT_IN_DOUBT',
      retryable: true,
      message: expect.stringMatching(/^[^\n]+$/),
    });
  });

  test.each([7, 12, 16])('%i is no answer about a deployment, whatever its text', async (status) => {
    await expect(failing(grpc(status, 'rate limit of the gateway'), true)).rejects.toMatchObject({
      code: 'DEPLOYMENT_REFUSED',
      retryable: false,
    });
  });

  test('about a namespace, and an error that is none of the server, stay what they are', async () => {
    const missing = grpc(5, 'Namespace n is not found.');
    await expect(failing(missing)).rejects.toBe(missing);
    const own = new TypeError('ours');
    await expect(failing(own)).rejects.toBe(own);
  });
});
