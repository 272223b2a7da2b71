import {
  type Build,
  countRuns,
  type Deployment,
  type DeploymentService,
  findBuild,
  listDeployments,
  mayStop,
  readDeployment,
  readMissing,
  readQueues,
  registerBuild,
  serverTime,
} from '@heliograph/temporal-worker/deployments';
import type { Argv } from 'yargs';
import {
  assertBuildId,
  BUILD,
  deadlineOf,
  DEPLOYMENT_OPTIONS,
  TIMEOUT_OPTION,
  withDeployments,
} from '../deployments.ts';
import { CliError } from '../errors.ts';
import { chooseBuilds } from '../choose-builds.ts';
import { type BuildDetails, renderDeployment, toJson } from '../render-deployment.ts';
import { reportProgress } from '../report-progress.ts';
import type { Terminal } from '../terminal.ts';
import { waitUntil } from '../wait-until.ts';

/** `heliograph deploy status` */
export function registerStatus(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'status',
    'Show the builds of a deployment, who gets new work, and which runs hold them',
    (command) => command.options(DEPLOYMENT_OPTIONS),
    async (given) => {
      const { deployment, details } = await withDeployments(given, terminal, async (service) => {
        const described = await readOrSuggest(service, given.deployment);
        const read: BuildDetails[] = [];
        for (const { buildId } of chooseBuilds(described.builds)) {
          const count = (behavior: 'Pinned' | 'AutoUpgrade') =>
            countRuns(service, given.deployment, buildId, behavior);
          read.push({
            buildId,
            pinnedRuns: await count('Pinned'),
            movingRuns: await count('AutoUpgrade'),
            queues: await readQueues(service, given.deployment, buildId),
          });
        }
        return { deployment: described, details: read };
      });
      if (!given.json) {
        const now = serverTime(
          new Date(),
          deployment,
          details.flatMap(({ queues }) => queues),
        );
        return terminal.out(renderDeployment(deployment, details, now, terminal));
      }
      const builds = deployment.builds.map((build) => ({
        ...build,
        ...details.find(({ buildId }) => buildId === build.buildId),
      }));
      terminal.out(`${JSON.stringify({ ...toJson(deployment), builds })}\n`);
    },
  );
}

/** `heliograph deploy register BUILD` */
export function registerRegister(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'register <build>',
    'Register a build before its workers start; it gets no work by that',
    (command) => command.positional('build', BUILD).options(DEPLOYMENT_OPTIONS),
    async ({ build, ...given }) => {
      const isNew = await withDeployments(
        given,
        terminal,
        (service) => registerBuild(service, given.deployment, build),
        build,
      );
      const { deployment } = given;
      if (given.json) terminal.out(`${JSON.stringify({ name: deployment, buildId: build, isNew })}\n`);
      else
        terminal.out(`${deployment}: build ${build} ${isNew ? 'is registered' : 'was registered before'}\n`);
    },
  );
}

/** `heliograph deploy wait BUILD` */
export function registerWait(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'wait <build>',
    'Wait until workers of a build poll every task queue that it needs',
    (command) => command.positional('build', BUILD).options({ ...DEPLOYMENT_OPTIONS, ...TIMEOUT_OPTION }),
    async ({ build, timeout, ...given }) => {
      const deadline = deadlineOf(timeout);
      const progress = reportProgress(terminal);
      try {
        await withDeployments(
          given,
          terminal,
          (service) =>
            waitUntil(
              async () => {
                const missing = await missingOf(service, given.deployment, build);
                if (missing.length === 0) return { found: true };
                return { waitsFor: `no worker of build ${build} polls ${missing.join(', ')}` };
              },
              { deadline, show: (reason) => progress.show(reason) },
            ),
          build,
        );
      } finally {
        progress.end();
      }
      const { deployment } = given;
      if (given.json)
        terminal.out(`${JSON.stringify({ name: deployment, buildId: build, isReady: true })}\n`);
      else terminal.out(`${deployment}: workers of build ${build} poll every task queue that it needs\n`);
    },
  );
}

/** `heliograph deploy watch BUILD` */
export function registerWatch(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'watch <build>',
    'Wait until a build that was replaced may stop',
    (command) => command.positional('build', BUILD).options({ ...DEPLOYMENT_OPTIONS, ...TIMEOUT_OPTION }),
    async ({ build, timeout, ...given }) => {
      const deadline = deadlineOf(timeout);
      const progress = reportProgress(terminal);
      const verdict = await withDeployments(
        given,
        terminal,
        (service) =>
          waitUntil(
            async () => {
              const seen = await mayStop(service, given.deployment, build);
              if (seen.mayStop) return { found: seen };
              if (seen.status !== 'draining' && seen.status !== 'drained')
                throw new CliError('CLI_DEPLOYMENT_REFUSED', `${seen.reason}, so it does not drain`);
              return { waitsFor: seen.reason };
            },
            { deadline, show: (reason) => progress.show(reason) },
          ),
        build,
      ).finally(() => progress.end());
      terminal.out(given.json ? `${JSON.stringify(verdict)}\n` : `${given.deployment}: ${verdict.reason}\n`);
    },
  );
}

/** `heliograph deploy can-stop BUILD` */
export function registerCanStop(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'can-stop <build>',
    'Say whether the workers of a build may stop: exit code 0, else 4',
    (command) => command.positional('build', BUILD).options(DEPLOYMENT_OPTIONS),
    async ({ build, ...given }) => {
      const verdict = await withDeployments(
        given,
        terminal,
        (service) => mayStop(service, given.deployment, build),
        build,
      );
      if (given.json) terminal.out(`${JSON.stringify(verdict)}\n`);
      else if (verdict.mayStop) terminal.out(`${given.deployment}: ${verdict.reason}\n`);
      if (!verdict.mayStop) throw new CliError('CLI_STILL_NEEDED', verdict.reason);
    },
  );
}

/** A build that is not there yet may still come. */
async function missingOf(
  service: DeploymentService,
  name: string,
  buildId: string,
): Promise<readonly string[]> {
  assertBuildId(buildId);
  let deployment: Deployment;
  try {
    deployment = await readDeployment(service, name);
  } catch (error) {
    if (codeOf(error) === 'DEPLOYMENT_UNKNOWN') return ['any task queue'];
    throw error;
  }
  let build: Build;
  try {
    build = findBuild(deployment, buildId);
  } catch {
    return ['any task queue'];
  }
  return readMissing(service, deployment, build.buildId);
}

/** A name that was mistyped fails with those that there are. */
async function readOrSuggest(service: DeploymentService, name: string): Promise<Deployment> {
  try {
    return await readDeployment(service, name);
  } catch (error) {
    if (codeOf(error) !== 'DEPLOYMENT_UNKNOWN') throw error;
    const names = await listDeployments(service);
    const others = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 10).join(', ')}`;
    throw new CliError(
      'CLI_DEPLOYMENT_REFUSED',
      `namespace ${service.namespace} has no deployment ${name}; ${others}`,
      {
        cause: error,
      },
    );
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
