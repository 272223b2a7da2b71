import { isDatabaseError } from '@heliograph/database';
import type { ConnectedApp, DeliveryTarget } from '../apps/connected-app-store.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { Delay, Permit } from './app-gate.ts';
import type { AttemptOptions, DeliveryDependencies } from './attempt-delivery.ts';

/**
 * Acquires a permit for the target as it is when the permit is granted: after a wait, the app may have other settings, and
 * what waits for its permit again then waits for that of the new ones. Also returns how long it waited.
 */
export async function acquireTarget(
  dependencies: DeliveryDependencies,
  order: DeliveryOrder,
  { acquirePermit }: Pick<AttemptOptions, 'acquirePermit'>,
): Promise<(TargetFound & { readonly permit: Permit | Delay; readonly waitedMs: number }) | NotFound> {
  const { gate, elapsed } = dependencies;
  let waitedMs = 0;
  let found = await loadTarget(dependencies, order);
  for (;;) {
    if (typeof found === 'string') return found;
    const { app } = found.target;
    gate.learn(app, app.health.throttledForMs);
    const from = elapsed();
    const permit = await acquirePermit(app);
    const waitMs = elapsed() - from;
    waitedMs += waitMs;
    if ('waitMs' in permit) return { ...found, permit, waitedMs };
    try {
      // Read a moment ago where it did not have to wait.
      found = await loadTarget(dependencies, order);
    } catch (error) {
      permit.release('unsent');
      throw error;
    }
    if (typeof found === 'string' || !isValid(permit, { app, now: found.target.app, waitMs })) {
      permit.release('unsent');
      continue;
    }
    return { ...found, permit, waitedMs };
  }
}

/** Shorter waits end before what was read of the app is read again, in milliseconds. */
const SHORT_WAIT_MS = 1000;

/** Whether the app is as it was when the permit was granted: the same target, and throttled by no other process since. */
function isValid(
  permit: Permit,
  { app, now, waitMs }: { readonly app: ConnectedApp; readonly now: ConnectedApp; readonly waitMs: number },
): boolean {
  if (now.targetVersion !== app.targetVersion) return false;
  return permit.isProbe || waitMs < SHORT_WAIT_MS || now.health.throttledForMs === 0;
}

/** Where to send, and about what. */
interface TargetFound {
  readonly target: DeliveryTarget;
  readonly issue: StoredIssue;
}

/** Why there is no target: the code with which the notification is dropped, or a key that may still come. */
type NotFound = DropCode | 'SEALING_KEY_UNKNOWN';

/** Loads the target and the issue, or returns why it cannot be delivered, mostly the code with which it is dropped. */
async function loadTarget(
  { connectedApps, issues }: DeliveryDependencies,
  { stream, issue: { position, eventId } }: DeliveryOrder,
): Promise<TargetFound | NotFound> {
  const [target, issue] = await Promise.all([
    connectedApps.deliveryTarget(stream).catch(unreadableSecret),
    issues.read({ position, eventId }),
  ]);
  if (target === null) return 'CONNECTED_APP_MISSING';
  if (typeof target === 'string') return target;
  return issue === null ? 'ISSUE_MISSING' : { target, issue };
}

/**
 * A secret that was changed stays unreadable, however often it is tried. One whose key this process lacks may be sealed
 * with a key that other processes have already, and becomes readable once this one has it as well.
 */
function unreadableSecret(error: unknown): 'SECRET_UNREADABLE' | 'SEALING_KEY_UNKNOWN' {
  const code = isDatabaseError(error) ? error.code : undefined;
  if (code === 'DATABASE_SEALED_CORRUPT') return 'SECRET_UNREADABLE';
  if (code === 'DATABASE_SEALED_KEY_UNKNOWN') return 'SEALING_KEY_UNKNOWN';
  throw error;
}
