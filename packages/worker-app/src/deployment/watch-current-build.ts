import type { Logger, ServicePart, Telemetry } from '@heliograph/service';
import {
  DeploymentError,
  readDeployment,
  type Deployment,
  type DeploymentService,
} from '@heliograph/temporal-worker/deployments';

/** What watching needs of its process. */
export interface BuildSurroundings {
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  readonly register: (part: ServicePart) => void;
}

/** Options of {@link watchCurrentBuild}. */
export interface WatchOptions {
  /** How often the deployment is read, in milliseconds; default 60,000. */
  readonly intervalMs?: number;
  /** How often while no build is current, in milliseconds; default 5,000. */
  readonly waitingIntervalMs?: number;
}

/**
 * Reads from now on whether any build of a worker's deployment is current. Versioned workers get no new work while none is, and
 * nothing else says so: they poll and are ready. Sets the gauge `heliograph_worker_build_current`, and warns once each time
 * that none is. What cannot be read leaves the gauge without a value.
 */
export function watchCurrentBuild(
  service: DeploymentService,
  { name, buildId }: { readonly name: string; readonly buildId: string },
  { logger, telemetry, register }: BuildSurroundings,
  { intervalMs = 60_000, waitingIntervalMs = 5000 }: WatchOptions = {},
): void {
  /** Undefined: not known. */
  let current: Deployment['current'] | undefined;
  let hasWarned = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let problem = '';

  const look = async (): Promise<void> => {
    try {
      current = await readCurrent(service, name);
      problem = '';
    } catch (error) {
      current = undefined;
      const reason = String(error);
      if (!isStopped && reason !== problem)
        logger.warn({ err: error, deployment: name }, 'cannot read which build is current');
      problem = reason;
    }
    if (isStopped) return;
    if (current === null && !hasWarned) {
      hasWarned = true;
      logger.warn(
        { deployment: name, buildId },
        `no build of ${name} is current, so its workers get no new work: run heliograph deploy set-current ${buildId} -d ${name}`,
      );
    }
    if (typeof current === 'string' && hasWarned) {
      hasWarned = false;
      logger.info({ deployment: name, buildId, current }, `a build of ${name} is current`);
    }
    timer = setTimeout(() => void look(), typeof current === 'string' ? intervalMs : waitingIntervalMs);
    timer.unref();
  };

  telemetry.meter
    .createObservableGauge('heliograph_worker_build_current', {
      description:
        'Whether the build of this worker is the current one of its deployment: 1 or 0. While no worker of a deployment says 1, new work waits.',
    })
    .addCallback((result) => {
      if (current !== undefined) result.observe(current === buildId ? 1 : 0, { deployment: name });
    });
  register({
    name: 'current-build',
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
    },
  });
  void look();
}

/** Null where no build is current, and where the server knows no build yet, because the first poll is still to come. */
async function readCurrent(service: DeploymentService, name: string): Promise<Deployment['current']> {
  try {
    return (await readDeployment(service, name)).current;
  } catch (error) {
    if (error instanceof DeploymentError && error.code === 'DEPLOYMENT_UNKNOWN') return null;
    throw error;
  }
}
