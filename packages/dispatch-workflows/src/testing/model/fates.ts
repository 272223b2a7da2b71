import { pick, type Random } from '@heliograph/simulators';
import type { ConnectedApp } from '../../apps/connected-app-store.ts';
import type { CallFate, Server } from './network.ts';
import type { Mood, Plan, PlannedEvent, Trouble } from './plan.ts';
import type { RequestFate } from './simulated-provider.ts';
import type { TemporalFaults } from './tiny-temporal.ts';

/** Decides what goes wrong, by the plan of a schedule and its random numbers. */
export interface Fates extends TemporalFaults {
  /** Apps that somebody switched off and on. */
  readonly switchedApps: Set<string>;
  ofCall(server: Server): CallFate;
  ofRequest(appId: string, settings: unknown): RequestFate;
  isKeyUnknown(): boolean;
  /** How long after its insert a row can be read, in milliseconds. */
  visibleAfterMs(): number;
  begin(event: Extract<PlannedEvent, { kind: 'mood' | 'away' | 'unknown-key' }>): void;
  /** Ends all that goes wrong but the apps that are dead. */
  heal(): void;
  /** Whether the provider has answered that the present address of an app is gone. */
  mayBeGone(app: Pick<ConnectedApp, 'id' | 'settings'>): boolean;
}

const OFTEN = 0.08;
const SELDOM = 0.03;

/** Makes the fates of one schedule; `elapsedMs` is the time since it began. */
export function createFates(plan: Plan, random: Random, elapsedMs: () => number): Fates {
  const moods = new Map<string, { readonly mood: Mood; readonly until: number; readonly from: number }>();
  const away = new Map<Server, { readonly hangs: boolean; readonly until: number }>();
  const goneAddresses = new Set<string>();
  let keyUnknownUntil = 0;
  let isHealed = false;
  const happens = (trouble: Trouble, probability: number): boolean =>
    !isHealed && plan.troubles.has(trouble) && random() < probability;
  const acceptSoon = (): RequestFate => ({ kind: 'accept', afterMs: 1 + 20 * random() });
  const flaky = (): RequestFate => {
    const fates: RequestFate[] = [
      acceptSoon(),
      { kind: 'refuse', status: 503 },
      { kind: 'no-connection', afterMs: pick(random, [1, 1500, 5000]) },
    ];
    if (plan.troubles.has('doubtful-provider'))
      fates.push(
        { kind: 'accept-and-lose' },
        { kind: 'hang' },
        { kind: 'break' },
        { kind: 'accept', afterMs: 2500 },
      );
    if (plan.troubles.has('throttling-provider'))
      fates.push({ kind: 'refuse', status: 429, retryAfterMs: 3000 });
    return pick(random, fates);
  };
  const ofMood = (mood: Mood, address: string): RequestFate => {
    switch (mood) {
      case 'well':
        return acceptSoon();
      case 'flaky':
        return flaky();
      case 'unavailable':
        return { kind: 'refuse', status: 503 };
      case 'throttling':
        return { kind: 'refuse', status: 429, retryAfterMs: pick(random, [1000, 30_000, 600_000]) };
      case 'hanging':
        return { kind: 'hang' };
      case 'mute':
        return { kind: 'accept-and-lose' };
      case 'unreachable':
        return { kind: 'no-connection', afterMs: pick(random, [1, 1500, 5000]) };
      case 'refusing':
        return { kind: 'refuse', status: 400 };
      case 'gone':
        goneAddresses.add(address);
        return { kind: 'refuse', status: 410 };
    }
  };
  return {
    switchedApps: new Set(),
    ofCall(server) {
      const trouble = away.get(server);
      if (trouble !== undefined && !isHealed && elapsedMs() < trouble.until)
        return trouble.hangs ? pick(random, ['hangs', 'hangs', 'done-too-late']) : 'refused';
      if (happens('lost-answers', OFTEN)) return pick(random, ['lost', 'done-and-lost', 'done-and-lost']);
      return 'answered';
    },
    ofRequest(appId, settings) {
      const current = moods.get(appId);
      const address = JSON.stringify([appId, settings]);
      if (goneAddresses.has(address)) return { kind: 'refuse', status: 410 };
      if (current === undefined || elapsedMs() >= current.until) return acceptSoon();
      return ofMood(current.mood, address);
    },
    isKeyUnknown: () => !isHealed && elapsedMs() < keyUnknownUntil,
    visibleAfterMs: () => {
      if (happens('too-late-rows', 0.3)) return 10_000 + 30_000 * random();
      return happens('late-rows', 0.6) ? 3000 * random() : 20 * random();
    },
    begin(event) {
      const from = elapsedMs();
      const until = from + event.forMs;
      if (event.kind === 'mood') moods.set(event.appId, { mood: event.mood, from, until });
      else if (event.kind === 'away') away.set(event.server, { hangs: event.hangs, until });
      else keyUnknownUntil = until;
    },
    heal() {
      isHealed = true;
      for (const [appId, { until }] of moods) if (until !== Infinity) moods.delete(appId);
    },
    mayBeGone: ({ id, settings }) => goneAddresses.has(JSON.stringify([id, settings])),
    isTaskLost: () => happens('repeated-tasks', SELDOM),
    isResultLost: () => happens('lost-results', SELDOM),
    isHeartbeatLost: () => happens('lost-heartbeats', OFTEN),
    isSignalRefused: () => happens('signal-faults', OFTEN),
    isSignalAnswerLost: () => happens('signal-faults', OFTEN),
  };
}
