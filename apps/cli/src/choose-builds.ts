import type { Build } from '@heliograph/temporal-worker/deployments';

/** Of those that nobody needs, the newest are looked up, and the others are listed alone. */
const NEWEST = 10;

/** Chooses the builds whose runs and workers `deploy status` looks up: each that has or may have work, and the newest. */
export function chooseBuilds(builds: readonly Build[]): readonly Build[] {
  return builds.filter(
    ({ status }, index) =>
      index < NEWEST || status === 'current' || status === 'ramping' || status === 'draining',
  );
}
