import { isGrpcServiceError } from '@temporalio/client';
import { type DeploymentService, callService } from './call-service.ts';

const ALREADY_EXISTS = 6;

/**
 * Registers a build before any worker of it polls, and its deployment where there is none. It gets no work by that.
 * Resolves to false if it was there already, so it may be repeated.
 *
 * @throws {DeploymentError} DEPLOYMENT_LIMIT, DEPLOYMENT_IN_DOUBT
 */
export async function registerBuild(
  service: DeploymentService,
  name: string,
  buildId: string,
): Promise<boolean> {
  const { workflowService } = service.connection;
  const { namespace, identity } = service;
  const create = async (call: () => Promise<unknown>): Promise<boolean> =>
    callService(service, { deployment: name, buildId, isChange: true }, async () => {
      try {
        await call();
        return true;
      } catch (error) {
        if (isGrpcServiceError(error) && (error.code as number) === ALREADY_EXISTS) return false;
        throw error;
      }
    });
  await create(() => workflowService.createWorkerDeployment({ namespace, identity, deploymentName: name }));
  return create(() =>
    workflowService.createWorkerDeploymentVersion({
      namespace,
      identity,
      deploymentVersion: { deploymentName: name, buildId },
    }),
  );
}
