import type { Outcome, OutcomeCode } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import type { AppGate, Delay, Permit } from '../delivery/app-gate.ts';
import type { DeliveryDependencies } from '../delivery/attempt-delivery.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { StreamState } from '../contract/stream-state.ts';
import { INITIAL_STREAM_STATE } from '../stream/should-notify.ts';
import type { Intent } from '../delivery/intent-store.ts';
import type { BodyInputs } from '../delivery/body-inputs.ts';
import type { IntentStatus } from '../delivery/intent-status.ts';
import type { DeliveryTarget } from '../apps/connected-app-store.ts';
import type { StoredIssue } from '../issues/issue.ts';
import type { LedgerEntry, LedgerRun } from '../ledger/ledger-entry.ts';
import type { IntentOutcome } from '../stream/stream-store.ts';
import { createMemoryIntents } from './memory-intents.ts';
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
  attemptToken: null,
  wasUncertain: false,
  provider: 'webhook',
  externalId: 'known',
  code: null,
  decidedAt: 9000,
  updatedAt: 9000,
};

/** The body inputs of `testOrder`. */
export const testInputs: BodyInputs = {
  reason: 'new',
  routeName: 'critical',
  appName: 'sink',
  sequence: 0,
  provider: 'webhook',
  externalId: null,
  settings: { format: 'heliograph/v1' },
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
    isProbe: false,
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

/** Each call that a delivery makes. */
export const WORLD_CALLS = [
  'target',
  'issue',
  'permit',
  'connection',
  'claim',
  'write',
  'health',
  'read',
  'look up',
  'deliver',
] as const;

/**
 * What happens to a call: it fails, or it is carried out and its answer is lost, or the process dies before it or after
 * it, and the call never returns.
 */
export type WorldFault = 'fails' | 'answer lost' | 'dies before' | 'dies after' | null;

const noFault: (call: (typeof WORLD_CALLS)[number]) => WorldFault = () => null;

/** Everything around a delivery, in memory: what the provider answers in turn, and what is stored. */
export function deliveryWorld(...answers: readonly (Outcome | Error)[]) {
  const script = [...answers];
  const clock = { now: 10_000, slept: [] as number[], jumped: 0 };
  const intents = createMemoryIntents();
  let attempts = 0;
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
    intents: {
      rows: intents.rows,
      /** An intent that an earlier process has left. */
      set: (notificationId: string, status: IntentStatus, attemptToken: string | null = null): void => {
        const inputs = intents.rows.get(notificationId)?.inputs ?? null;
        const code = status === 'dropped' ? 'REJECTED' : null;
        intents.rows.set(notificationId, {
          ...testIntent,
          notificationId,
          status,
          code,
          inputs,
          attemptToken,
          foundStatus: null,
          wasUncertain: status === 'uncertain',
        });
      },
    },
    /** What happens to the calls of a delivery. */
    faultOf: noFault,
    /** The process dies: a call of it will never return. */
    onDeath: (): void => undefined,
    /** How many connections to the receiver are free. */
    connections: Number.POSITIVE_INFINITY,
    readings: 0,
    /** What the provider has accepted, whoever learnt of it. */
    received: 0,
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
  const call = async <T>(name: (typeof WORLD_CALLS)[number], run: () => T | Promise<T>): Promise<T> => {
    const fault = state.faultOf(name);
    if (fault === 'fails') throw new Error('away');
    const die = (): Promise<never> => {
      state.onDeath();
      return new Promise<never>(() => undefined);
    };
    if (fault === 'dies before') return die();
    const answer = await run();
    if (fault === 'dies after') return die();
    if (fault === 'answer lost') throw new Error('no answer');
    return answer;
  };
  const gate = virtualGate(clock);
  const dependencies: DeliveryDependencies = {
    issues: { read: () => call('issue', () => state.issue) },
    connectedApps: { deliveryTarget: () => call('target', () => state.target) },
    streams: {
      read: async () => {
        state.readings++;
        return state.stored;
      },
      write: ({ state: written, intents: outcomes = [], ledger }) =>
        call('write', () => {
          if (state.writeFails) throw new Error('away');
          state.log.push(`write ${outcomes.map(({ status }) => status).join()}`);
          if (written !== undefined) state.states.push(written);
          for (const each of outcomes) {
            state.settled.push(each);
            intents.record(each);
          }
          state.entries.push(...(ledger?.entries ?? []));
          state.runs.push(...(ledger?.runs ?? []));
        }),
    },
    intents: {
      claim: (request) =>
        call('claim', () => {
          if (state.claimFails) throw new Error('away');
          const claim = intents.claim(request);
          state.log.push(`claim after ${claim.before}`);
          state.onClaim();
          return claim;
        }),
      read: (ids) =>
        call('read', () => {
          if (state.intentFails) throw new Error('away');
          return intents.read(ids);
        }),
    },
    health: {
      recordThrottle: ({ id }, forMs) => call('health', () => note(`${id} throttled for ${forMs}`)),
      recordFailure: ({ id }, { code }) => call('health', () => note(`${id} failing: ${code}`)),
      recordThrottleEnd: ({ id }, until) =>
        call('health', () => note(`${id} throttled no longer until ${until}`)),
      recordRecovery: ({ id }) => call('health', () => note(`${id} working`)),
      disable: ({ id }) => call('health', () => note(`${id} disabled`)),
    },
    channels: {
      bodySettings: (_, settings) =>
        typeof settings === 'object' && settings !== null && 'format' in settings
          ? { format: settings.format }
          : {},
      reserve: () =>
        call('connection', () => {
          if (state.connections < 1) return null;
          state.connections--;
          let isHeld = true;
          return {
            release: () => {
              if (isHeld) state.connections++;
              isHeld = false;
            },
          };
        }),
      deliver: (request) =>
        call('deliver', async () => {
          state.log.push('send');
          state.requests.push(request);
          state.onDeliver();
          await state.hold;
          const answer = script.shift() ?? accepted;
          if (answer instanceof Error) throw answer;
          if (answer.kind === 'delivered') state.received++;
          return answer;
        }),
      lookUp: () =>
        call('look up', () => {
          state.log.push('look up');
          return state.lookUp;
        }),
    },
    gate: {
      ...gate,
      tryAcquire: (appId) => {
        const fault = state.faultOf('permit');
        if (fault === 'fails' || fault === 'answer lost') throw new Error('away');
        return gate.tryAcquire(appId);
      },
      acquire: (appId, request) => call('permit', () => gate.acquire(appId, request)),
    },
    now: () => clock.now + clock.jumped,
    elapsed: () => clock.now,
    nameAttempt: () => `a${++attempts}`,
    sleep: async (ms) => {
      clock.now += ms;
    },
    onDrop: ({ code }) => state.drops.push(code),
    onFailure: ({ workflowId }) => state.unwritten.push(workflowId),
  };
  return { state, dependencies, target };
}
