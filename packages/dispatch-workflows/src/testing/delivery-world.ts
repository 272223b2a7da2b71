import type { Outcome, OutcomeCode } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import type { AppGate, Delay, Permit } from '../delivery/app-gate.ts';
import type { DeliveryDependencies } from '../delivery/attempt-delivery.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { Claim } from '../delivery/claim-intents.ts';
import type { DeliveryTarget } from '../apps/connected-app-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry, LedgerRun } from '../ledger/ledger-entry.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';
import { storedIssue } from './stored-issue.ts';

/** The issue of `testOrder`. */
export const testIssue = storedIssue(5);

/** The first notification of a stream; give what matters. */
export function testOrder(parts: Partial<DeliveryOrder> = {}): DeliveryOrder {
  return {
    stream: { fingerprint: 'f1', routeId: 'r1', connectedAppId: 'app1' },
    notificationId: 'alert-f1-r1-app1-5',
    kind: 'trigger',
    reason: 'new',
    issue: testIssue,
    state: INITIAL_STREAM_STATE,
    decidedAt: 9000,
    timeToLiveMs: 60_000,
    ...parts,
  };
}

/** The intent of `testOrder`, under way. */
export const testIntent: Intent = {
  notificationId: 'alert-f1-r1-app1-5',
  stream: { fingerprint: 'f1', routeId: 'r1', connectedAppId: 'app1' },
  position: testIssue.position,
  eventId: testIssue.eventId,
  kind: 'trigger',
  reason: 'new',
  status: 'intended',
  claims: 1,
  wasUncertain: false,
  provider: 'webhook',
  externalId: 'known',
  code: null,
  decidedAt: 9000,
  updatedAt: 9000,
};

export const accepted: Outcome = { kind: 'delivered', externalId: 'ext', status: 200 };
export const lost: Outcome = { kind: 'uncertain', code: 'CONNECTION_LOST' };
export const limited = (retryAfterMs: number): Outcome => ({
  kind: 'rate-limited',
  retryAfterMs,
  status: 429,
});
export const rejected = (
  retryable: boolean,
  { code = 'HTTP_STATUS', status = 500 }: { readonly code?: OutcomeCode; readonly status?: number } = {},
): Outcome => ({ kind: 'rejected', retryable, code, status });

/** A gate on a virtual clock: waiting moves the clock. */
function virtualGate(clock: { now: number; slept: number[] }): AppGate {
  let closedUntil = 0;
  const permit = (): Permit => ({
    release: () => undefined,
    throttle: (forMs) => {
      closedUntil = Math.max(closedUntil, clock.now + forMs);
    },
  });
  const delay = (): Delay | null => (closedUntil > clock.now ? { waitMs: closedUntil - clock.now } : null);
  return {
    tryAcquire: () => delay() ?? permit(),
    acquire: async (_, { maxWaitMs, signal }) => {
      const wait = delay();
      if (wait === null) return permit();
      if (wait.waitMs > maxWaitMs) return wait;
      signal.throwIfAborted();
      clock.slept.push(wait.waitMs);
      clock.now = closedUntil;
      return permit();
    },
    learn: (_, forMs) => {
      if (forMs > 0) closedUntil = Math.max(closedUntil, clock.now + forMs);
    },
  };
}

/** Everything around a delivery, in memory: what the provider answers in turn, and what is stored. */
export function deliveryWorld(...answers: readonly (Outcome | Error)[]) {
  const script = [...answers];
  const clock = { now: 1_000_000, slept: [] as number[] };
  const target: DeliveryTarget = {
    app: {
      id: 'app1',
      name: 'sink',
      provider: 'webhook',
      settings: { url: 'http://x' },
      enabled: true,
      uncertainPolicy: 'resend-pages',
      health: { throttledForMs: 0, failure: null },
      version: 1,
      targetVersion: 1,
      createdAt: 0,
      updatedAt: 0,
    },
    secret: 's3cret',
    routeName: 'critical',
  };
  const state = {
    clock,
    target: target as DeliveryTarget | null,
    issue: testIssue as StoredIssue | null,
    stored: INITIAL_STREAM_STATE,
    intents: new Map<string, Claim['before']>(),
    wasUncertain: new Set<string>(),
    claims: 0,
    readings: 0,
    intentFails: false,
    onClaim: (): void => undefined,
    claimFails: false,
    writeFails: false,
    lookUp: 'unknown' as 'delivered' | 'not-delivered' | 'unknown',
    onDeliver: (): void => undefined,
    /** The provider answers when this is resolved. */
    hold: Promise.resolve(),
    /** What happened, in its order. */
    log: [] as string[],
    requests: [] as StoredDeliveryRequest[],
    states: [] as StreamState[],
    settled: [] as IntentOutcome[],
    entries: [] as LedgerEntry[],
    runs: [] as LedgerRun[],
    drops: [] as DropCode[],
    unwritten: [] as string[],
  };
  const note = async (what: string): Promise<void> => {
    state.log.push(what);
  };
  const dependencies: DeliveryDependencies = {
    issues: { read: async () => state.issue },
    connectedApps: { deliveryTarget: async () => state.target },
    streams: {
      read: async () => {
        state.readings++;
        return state.stored;
      },
      write: async ({ state: written, intents = [], ledger }) => {
        if (state.writeFails) throw new Error('away');
        state.log.push(`write ${intents.map(({ status }) => status).join()}`);
        if (written !== undefined) state.states.push(written);
        for (const each of intents) {
          state.settled.push(each);
          state.intents.set(each.notificationId, each.status);
          if (each.status === 'uncertain') state.wasUncertain.add(each.notificationId);
        }
        state.entries.push(...(ledger?.entries ?? []));
        state.runs.push(...(ledger?.runs ?? []));
      },
    },
    intents: {
      claim: async ({ order: { notificationId, reason } }) => {
        if (state.claimFails) throw new Error('away');
        const before = state.intents.get(notificationId) ?? null;
        state.log.push(`claim after ${before}`);
        const isKept = before === 'delivered' || (before === 'dropped' && reason !== 'resolve_owed');
        if (!isKept)
          state.intents.set(
            notificationId,
            before === 'intended' || before === 'uncertain' ? 'uncertain' : 'intended',
          );
        if (state.intents.get(notificationId) === 'uncertain') state.wasUncertain.add(notificationId);
        state.onClaim();
        return {
          before,
          claims: ++state.claims,
          externalId: 'known',
          code: 'REJECTED',
          wasUncertain: state.wasUncertain.has(notificationId),
        };
      },
      read: async ([notificationId = '']) => {
        if (state.intentFails) throw new Error('away');
        const status = state.intents.get(notificationId);
        if (status === undefined || status === null) return [];
        return [
          { ...testIntent, notificationId, status, wasUncertain: state.wasUncertain.has(notificationId) },
        ];
      },
    },
    health: {
      recordThrottle: ({ id }, forMs) => note(`${id} throttled for ${forMs}`),
      recordFailure: ({ id }, { code }) => note(`${id} failing: ${code}`),
      recordRecovery: ({ id }) => note(`${id} working`),
      disable: ({ id }) => note(`${id} disabled`),
    },
    channels: {
      deliver: async (request) => {
        state.log.push('send');
        state.requests.push(request);
        state.onDeliver();
        await state.hold;
        const answer = script.shift() ?? accepted;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      lookUp: async () => {
        state.log.push('look up');
        return state.lookUp;
      },
    },
    gate: virtualGate(clock),
    now: () => clock.now,
    onDrop: ({ code }) => state.drops.push(code),
    onWriteFailure: ({ workflowId }) => state.unwritten.push(workflowId),
  };
  return { state, dependencies, target };
}
