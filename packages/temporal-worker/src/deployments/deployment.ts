import proto, { type temporal } from '@temporalio/proto';

/**
 * Where a build stands.
 *
 * - `created`: registered, and no worker of it was ever seen; `inactive`: workers were seen, and it was never used.
 * - `current`: gets all new work but the ramp's share; `ramping`: gets that share.
 * - `draining`: gets no new work, and pinned runs are open or the server has not looked yet; `drained`: there were none
 *   when it looked, and it has not looked since.
 */
export type BuildStatus = 'created' | 'inactive' | 'current' | 'ramping' | 'draining' | 'drained';

/** One build of a deployment. */
export interface Build {
  readonly buildId: string;
  readonly status: BuildStatus;
  readonly createdAt: Date | null;
  /** Until when it was current or ramping; null while it is, and if it never was. */
  readonly deactivatedAt: Date | null;
  /** When the server last looked for pinned runs. */
  readonly drainageCheckedAt: Date | null;
}

/** A deployment as the server describes it. */
export interface Deployment {
  readonly name: string;
  /** Null: new work goes to unversioned workers. */
  readonly current: string | null;
  /** `buildId` null: the share goes to unversioned workers. */
  readonly ramp: { readonly buildId: string | null; readonly percent: number } | null;
  readonly builds: readonly Build[];
  /** Whether all task queues follow the routing above; false for moments after a change. */
  readonly isPropagated: boolean;
  readonly lastModifiedBy: string | null;
  /** Changes with every change; a change that carries an old one is refused. */
  readonly conflictToken: Uint8Array;
}

type Info = temporal.api.deployment.v1.IWorkerDeploymentInfo;
type Summary = temporal.api.deployment.v1.WorkerDeploymentInfo.IWorkerDeploymentVersionSummary;
type Instant = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;

const { RoutingConfigUpdateState, VersionDrainageStatus, WorkerDeploymentVersionStatus } =
  proto.temporal.api.enums.v1;

/** Reads what the server answers. What is current or ramping, its routing says; summaries of builds follow later. */
export function toDeployment(info: Info, conflictToken: Uint8Array): Deployment {
  const routing = info.routingConfig ?? {};
  const current = routing.currentDeploymentVersion?.buildId ?? null;
  const percent = routing.rampingVersionPercentage ?? 0;
  const ramping = routing.rampingDeploymentVersion?.buildId ?? null;
  // A ramp to unversioned workers has no build, and is told from no ramp by its share.
  const ramp = ramping === null && percent === 0 ? null : { buildId: ramping, percent };
  return {
    name: info.name ?? '',
    current,
    ramp,
    builds: (info.versionSummaries ?? []).map((summary) => toBuild(summary, current, ramping)),
    isPropagated:
      info.routingConfigUpdateState !== RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS,
    lastModifiedBy: info.lastModifierIdentity === '' ? null : (info.lastModifierIdentity ?? null),
    conflictToken,
  };
}

function toBuild(summary: Summary, current: string | null, ramping: string | null): Build {
  const buildId = summary.deploymentVersion?.buildId ?? '';
  return {
    buildId,
    status: buildId === current ? 'current' : buildId === ramping ? 'ramping' : statusOf(summary),
    createdAt: toDate(summary.createTime),
    deactivatedAt: buildId === current || buildId === ramping ? null : toDate(summary.lastDeactivationTime),
    drainageCheckedAt: toDate(summary.drainageInfo?.lastCheckedTime),
  };
}

/** Of a build that is neither current nor ramping. One that was, and has no drainage status yet, is draining. */
function statusOf(summary: Summary): BuildStatus {
  if (summary.drainageInfo?.status === VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED)
    return 'drained';
  if (toDate(summary.firstActivationTime) !== null) return 'draining';
  const { WORKER_DEPLOYMENT_VERSION_STATUS_CREATED: created } = WorkerDeploymentVersionStatus;
  return summary.status === created ? 'created' : 'inactive';
}

/** The instant of a timestamp in the server's form. */
export function toDate(instant: Instant): Date | null {
  if (instant === null || instant === undefined) return null;
  return new Date(Number(instant.seconds ?? 0) * 1000 + Math.floor((instant.nanos ?? 0) / 1e6));
}
