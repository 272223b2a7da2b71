import type { Deployment } from './deployment.ts';
import { DeploymentError } from './errors.ts';
import { findBuild } from './read-deployment.ts';

/** How new work shall be routed. `percent` is from 0 to 100. */
export type RoutingChange =
  | { readonly kind: 'set-current'; readonly buildId: string }
  | { readonly kind: 'ramp'; readonly buildId: string; readonly percent: number }
  | { readonly kind: 'end-ramp' };

/**
 * Decides whether a change has anything to do. Refuses what the server would take in another sense: with one build ramping,
 * it would make another current and go on ramping the first, so a roll back in the middle of a ramp would not be one.
 *
 * @throws {DeploymentError} DEPLOYMENT_BUILD_UNKNOWN, DEPLOYMENT_ROUTING_CONFLICT
 */
export function planRouting(deployment: Deployment, change: RoutingChange): 'change' | 'nothing' {
  const { current, ramp } = deployment;
  if (change.kind === 'end-ramp') return ramp === null ? 'nothing' : 'change';
  const { buildId } = change;
  findBuild(deployment, buildId);
  const ramping = ramp === null ? null : (ramp.buildId ?? 'unversioned workers');
  if (ramping !== null && ramping !== buildId)
    throw new DeploymentError(
      'DEPLOYMENT_ROUTING_CONFLICT',
      `${ramping} still ramps with ${ramp?.percent ?? 0} %, and would go on; end that ramp first`,
    );
  if (change.kind === 'set-current') return current === buildId ? 'nothing' : 'change';
  if (!(change.percent >= 0 && change.percent <= 100))
    throw new DeploymentError('DEPLOYMENT_REFUSED', 'a ramp has a share from 0 to 100 percent');
  if (current === buildId)
    throw new DeploymentError(
      'DEPLOYMENT_ROUTING_CONFLICT',
      `build ${buildId} is current, so it has all new work and cannot ramp`,
    );
  // The server keeps shares in single precision.
  return ramping === buildId && ramp?.percent === Math.fround(change.percent) ? 'nothing' : 'change';
}
