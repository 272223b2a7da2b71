import { type DeploymentService, callService } from './call-service.ts';
import { type Build, type Deployment, toDeployment } from './deployment.ts';
import { DeploymentError } from './errors.ts';

/**
 * Describes a deployment with its builds, the newest first.
 *
 * @throws {DeploymentError} DEPLOYMENT_UNKNOWN, DEPLOYMENT_NO_ANSWER
 */
export async function readDeployment(service: DeploymentService, name: string): Promise<Deployment> {
  const answer = await callService(service, { deployment: name }, () =>
    service.connection.workflowService.describeWorkerDeployment({
      namespace: service.namespace,
      deploymentName: name,
    }),
  );
  const deployment = toDeployment(answer.workerDeploymentInfo ?? {}, answer.conflictToken);
  const age = ({ createdAt }: Build): number => -(createdAt?.getTime() ?? 0);
  return { ...deployment, builds: deployment.builds.toSorted((a, b) => age(a) - age(b)) };
}

/** Names every deployment of the namespace, sorted. The list follows changes with a delay. */
export async function listDeployments(service: DeploymentService): Promise<readonly string[]> {
  const names = new Set<string>();
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const token = nextPageToken;
    const page = await callService(service, { deployment: 'every deployment' }, () =>
      service.connection.workflowService.listWorkerDeployments({
        namespace: service.namespace,
        pageSize: 100,
        nextPageToken: token,
      }),
    );
    for (const { name } of page.workerDeployments) if (name) names.add(name);
    ({ nextPageToken } = page);
  } while (nextPageToken.length > 0);
  return [...names].toSorted();
}

/** Finds a build. `@throws {DeploymentError}` DEPLOYMENT_BUILD_UNKNOWN, naming the builds that there are. */
export function findBuild(deployment: Deployment, buildId: string): Build {
  const build = deployment.builds.find((each) => each.buildId === buildId);
  if (build !== undefined) return build;
  const known = deployment.builds.slice(0, 5).map((each) => each.buildId);
  const more = deployment.builds.length > known.length ? ', …' : '';
  throw new DeploymentError(
    'DEPLOYMENT_BUILD_UNKNOWN',
    `deployment ${deployment.name} has no build ${buildId}; it has ${known.length === 0 ? 'none' : known.join(', ') + more}`,
  );
}
