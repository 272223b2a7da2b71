import { DatabaseError, isDatabaseError } from '@heliograph/database';
import type { DeliveryOrder } from '../../contract/delivery-order.ts';
import type { ScanState } from '../../contract/scan-state.ts';
import type { AppTarget } from '../../apps/app-health-store.ts';
import type { MemoryStores } from './create-memory-stores.ts';
import type { MemoryTables } from './memory-tables.ts';
import type { Mutant } from './mutant.ts';
import type { ActivityCall } from './tiny-temporal.ts';

/** Replaces some methods of the stores. */
const withStores =
  (change: (stores: MemoryStores, tables: MemoryTables) => Partial<MemoryStores>) =>
  (stores: MemoryStores, tables: MemoryTables): MemoryStores => ({ ...stores, ...change(stores, tables) });

let claims = 0;

/** Faults that were in the product, or could be, each put back in. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a claim whose answer is lost is another attempt',
    focus: ['lost-answers'],
    stores: withStores(({ intents }) => ({
      intents: {
        ...intents,
        claim: async (request) => ({
          ...(await intents.claim({ ...request, token: `other${++claims}` })),
          token: request.token,
        }),
      },
    })),
  },
  {
    name: 'what was never sent is in doubt',
    focus: ['flaky-provider'],
    delivery: (dependencies) => ({
      ...dependencies,
      channels: {
        ...dependencies.channels,
        deliver: async (request) => {
          const outcome = await dependencies.channels.deliver(request);
          const isUnsent = outcome.kind === 'rejected' && outcome.code === 'CONNECT_FAILED';
          return isUnsent ? { kind: 'uncertain', code: 'TIMEOUT' } : outcome;
        },
      },
    }),
  },
  {
    name: 'what is in doubt counts as refused',
    focus: ['doubtful-provider'],
    delivery: (dependencies) => ({
      ...dependencies,
      channels: {
        ...dependencies.channels,
        deliver: async (request) => {
          const outcome = await dependencies.channels.deliver(request);
          return outcome.kind === 'uncertain'
            ? { kind: 'rejected', retryable: true, code: 'HTTP_STATUS', status: 503 }
            : outcome;
        },
      },
    }),
  },
  {
    name: 'a notification is sent although its claim failed',
    from: 130,
    focus: ['databases-away'],
    stores: withStores(({ intents }) => ({
      intents: {
        ...intents,
        claim: async (request) => {
          try {
            return await intents.claim(request);
          } catch {
            const { token, provider, inputs } = request;
            const nothing = { before: null, claims: 1, externalId: null, code: null, wasUncertain: false };
            return { ...nothing, token, provider, inputs };
          }
        },
      },
    })),
  },
  {
    name: 'the inputs of a body are those of the latest attempt',
    focus: ['settings', 'flaky-provider'],
    stores: withStores(({ intents }) => ({
      intents: {
        ...intents,
        claim: async (request) => ({ ...(await intents.claim(request)), inputs: request.inputs }),
      },
    })),
  },
  {
    name: 'after a doubtful trigger another episode begins',
    focus: ['doubtful-provider', 'short-life', 'refusing-provider'],
    stores: withStores(({ streams }) => ({
      streams: {
        ...streams,
        read: async (stream) => {
          const state = await streams.read(stream);
          return state.mayBeOpen === true ? { ...state, episode: null } : state;
        },
      },
    })),
  },
  {
    name: 'an intent that cannot be read is not in doubt',
    from: 800,
    focus: ['doubtful-provider', 'lost-answers', 'short-life'],
    stores: withStores(({ intents }) => ({
      intents: {
        ...intents,
        read: async (ids) => {
          try {
            return await intents.read(ids);
          } catch {
            return [];
          }
        },
      },
    })),
  },
  {
    name: 'only what is open for certain is a debt',
    from: 300,
    focus: ['doubtful-provider', 'refusing-provider', 'short-life'],
    stores: withStores(({ debts, streams }) => ({
      debts: {
        list: async (page) => {
          const { debts: all, next } = await debts.list(page);
          const states = await Promise.all(all.map(({ stream }) => streams.read(stream)));
          return { next, debts: all.filter((_, index) => states[index]?.status === 'firing') };
        },
      },
    })),
  },
  {
    name: 'a secret whose key is not known yet drops the notification',
    focus: ['unknown-key'],
    stores: withStores(({ connectedApps }) => ({
      connectedApps: {
        ...connectedApps,
        deliveryTarget: async (target) => {
          try {
            return await connectedApps.deliveryTarget(target);
          } catch (error) {
            if (!isDatabaseError(error) || error.code !== 'DATABASE_SEALED_KEY_UNKNOWN') throw error;
            throw new DatabaseError('DATABASE_SEALED_CORRUPT', 'the secret is corrupt');
          }
        },
      },
    })),
  },
  {
    name: 'the life of a notification is measured by running time',
    from: 950,
    focus: ['short-life', 'crashes', 'flaky-provider'],
    activities: (activities, { time }) => ({
      ...activities,
      deliverPatiently: async (call: ActivityCall, order: DeliveryOrder) => {
        const run = activities['deliverPatiently'];
        return run?.({ ...call, scheduledAt: time.now }, order as never);
      },
    }),
  },
  {
    name: 'health is written whatever the settings have become',
    focus: ['settings', 'gone-provider', 'refusing-provider', 'throttling-provider'],
    stores: withStores(({ health }, { apps }) => {
      const current = ({ id }: AppTarget): AppTarget => ({
        id,
        targetVersion: apps.get(id)?.app.targetVersion ?? 1,
      });
      return {
        health: {
          ...health,
          recordFailure: (target, failure) => health.recordFailure(current(target), failure),
          recordThrottle: (target, forMs) => health.recordThrottle(current(target), forMs),
          disable: (target) => health.disable(current(target)),
        },
      };
    }),
  },
  {
    name: 'a late writer moves a stream back',
    from: 360,
    focus: ['lost-heartbeats', 'repeated-tasks', 'databases-away'],
    stores: withStores(({ streams }, tables) => ({
      streams: {
        ...streams,
        write: (what) => {
          if (what.state !== undefined)
            for (const [id, row] of tables.streams)
              if (
                row.stream.fingerprint === what.stream.fingerprint &&
                row.stream.routeId === what.stream.routeId
              )
                tables.streams.set(id, { ...row, state: { ...row.state, lastPosition: null } });
          return streams.write(what);
        },
      },
    })),
  },
  {
    name: 'events have no identity',
    focus: ['repeated-events'],
    stores: withStores(({ issues }) => ({ issues: { ...issues, findEvents: async () => new Map() } })),
  },
  {
    name: 'the overlap is shorter than an insert takes',
    focus: ['late-rows'],
    scan: { overlapMs: 200 },
  },
  {
    name: 'nobody looks for rows that no scan has seen',
    focus: ['too-late-rows'],
    stores: withStores(({ issues }) => ({ issues: { ...issues, findUnseen: async () => [] } })),
  },
  {
    name: 'what cannot be handed over is forgotten',
    focus: ['signal-faults'],
    stores: withStores(({ backlog }) => ({ backlog: { ...backlog, park: async () => undefined } })),
  },
  {
    name: 'a scan that finds the ceiling reached reads nothing',
    focus: ['low-ceiling'],
    activities: (activities, { temporal, plan }) => ({
      ...activities,
      readAndDispatch: async (call: ActivityCall, scan: ScanState | null) => {
        const running = temporal.running().length - 1;
        if (scan === null || running < plan.maxRunningAlerts - 1)
          return activities['readAndDispatch']?.(call, scan as never);
        return { scan, nextScanInMs: 1000, scanned: 0, dispatched: 0, failed: 0, running };
      },
    }),
  },
  {
    name: 'a resolve reaches only the streams that its labels match',
    focus: ['repeated-signals'],
    stores: withStores(({ streamLookUp }) => ({
      streamLookUp: { find: async (page) => ({ ...(await streamLookUp.find(page)), open: [] }) },
    })),
  },
  {
    name: 'silent decisions are not recorded',
    focus: ['late-rows', 'too-late-rows'],
    activities: (activities) => ({ ...activities, recordStreamState: async () => undefined }),
  },
];
