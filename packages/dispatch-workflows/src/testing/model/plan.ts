import { pick, seededRandom, type Random } from '@heliograph/simulators';
import type { IssueStatus } from '../../contract/issue-signal.ts';
import type { UncertainPolicy } from '../../apps/uncertain-policy.ts';
import type { Server } from './network.ts';

/** How a provider behaves for a while. */
export const MOODS = [
  'well',
  /** Each request meets another fault. */
  'flaky',
  /** 503 to everything. */
  'unavailable',
  'throttling',
  /** Receives everything and answers nothing. */
  'hanging',
  /** Accepts everything; the answers are lost. */
  'mute',
  /** No connection can be made. */
  'unreachable',
  /** Refuses everything for good. */
  'refusing',
  /** Answers that it is gone; only at its old address. */
  'gone',
] as const;
/** How a provider behaves for a while. */
export type Mood = (typeof MOODS)[number];

/** The kinds of trouble that a schedule may have; each schedule has some of them. */
export const TROUBLES = [
  'crashes',
  'lost-answers',
  'databases-away',
  'repeated-tasks',
  'lost-results',
  'lost-heartbeats',
  'signal-faults',
  'late-rows',
  'too-late-rows',
  'clock-jumps',
  'settings',
  'repeated-events',
  'repeated-signals',
  'flaky-provider',
  'doubtful-provider',
  'throttling-provider',
  'refusing-provider',
  'gone-provider',
  'short-life',
  'unknown-key',
  'low-ceiling',
] as const;
/** A kind of trouble. */
export type Trouble = (typeof TROUBLES)[number];

/** What happens from outside at some moment, in milliseconds from the beginning. */
export type PlannedEvent = { readonly at: number } & (
  | {
      readonly kind: 'report';
      readonly fingerprint: string;
      readonly status: IssueStatus;
      readonly severity: string;
      /** Another event's id: it is the same event once more if the content is the same. */
      readonly eventId: string;
      readonly summary: string;
      /** Written into the database by a monitor itself, whatever is there already. */
      readonly isPastApi: boolean;
    }
  | { readonly kind: 'crash'; readonly process: number; readonly downMs: number }
  | { readonly kind: 'away'; readonly server: Server; readonly hangs: boolean; readonly forMs: number }
  | { readonly kind: 'mood'; readonly appId: string; readonly mood: Mood; readonly forMs: number }
  | { readonly kind: 'clock'; readonly process: number; readonly skewMs: number; readonly forMs: number }
  | { readonly kind: 'rename-route'; readonly routeId: string }
  | { readonly kind: 'move-app' | 'switch-app'; readonly appId: string; readonly forMs: number }
  | { readonly kind: 'unknown-key'; readonly forMs: number }
  | { readonly kind: 'repeat-signal' }
);

/** A connected app of a schedule. */
export interface AppPlan {
  readonly id: string;
  readonly uncertainPolicy: UncertainPolicy;
  /** It stays as it is to the end: nobody mends it. */
  readonly isDead: boolean;
}

/** A route of a schedule. */
export interface RoutePlan {
  readonly id: string;
  readonly query: string;
  readonly appIds: readonly string[];
  readonly renotifyIntervalMs: number | null;
  readonly maxSignalAgeMs: number;
}

/** Everything that a seed decides from outside. */
export interface Plan {
  readonly seed: number;
  readonly troubles: ReadonlySet<Trouble>;
  readonly apps: readonly AppPlan[];
  readonly routes: readonly RoutePlan[];
  readonly fingerprints: readonly string[];
  readonly processes: number;
  readonly maxRunningAlerts: number;
  readonly maxSeenRows: number;
  readonly maxRowsPerScan: number;
  readonly events: readonly PlannedEvent[];
  /** From here on nothing goes wrong any more, in milliseconds from the beginning. */
  readonly healAt: number;
}

const HOUR_MS = 3_600_000;

/** Plans a schedule: the same for the same seed; with the troubles of `focus`, besides others. */
export function planSchedule(seed: number, focus: readonly Trouble[] = []): Plan {
  const random = seededRandom(seed);
  const chance = (probability: number): boolean => random() < probability;
  // Few troubles at once: what needs two of them is found, and what needs none is not hidden by others.
  const share = pick(random, focus.length > 0 ? [0, 0, 0.1] : [0, 0.1, 0.2, 0.4]);
  const troubles = new Set([...TROUBLES.filter(() => chance(share)), ...focus]);
  const has = (trouble: Trouble): boolean => troubles.has(trouble);
  const apps = planApps(random, has);
  const names = has('low-ceiling') ? ['f1', 'f2', 'f3', 'f4', 'f5', 'f6'] : ['f1', 'f2', 'f3'];
  const fingerprints = names.slice(0, 1 + Math.floor(random() * names.length));
  const reportMs = pick(random, [20_000, 120_000, 400_000]);
  const routes: RoutePlan[] = [
    {
      id: 'r1',
      query: '*',
      appIds: apps.map(({ id }) => id),
      renotifyIntervalMs: pick(random, [null, null, 60_000]),
      maxSignalAgeMs: has('short-life') ? pick(random, [60_000, 300_000]) : HOUR_MS,
    },
  ];
  if (chance(0.4))
    routes.push({ ...pick(random, routes), id: 'r2', query: 'severity:critical', appIds: ['a'] });
  const reports = planReports(random, { fingerprints, reportMs, has });
  const healAt = reportMs + 60_000;
  return {
    seed,
    troubles,
    apps,
    routes,
    fingerprints,
    processes: chance(0.5) ? 2 : 1,
    maxRunningAlerts: has('low-ceiling') ? pick(random, [5, 6]) : 5000,
    maxSeenRows: chance(0.2) ? pick(random, [1, 2, 4]) : 5000,
    maxRowsPerScan: chance(0.2) ? pick(random, [1, 2]) : 500,
    events: [
      ...reports,
      ...planTroubles(random, { apps, routes, reportMs, has, times: reports.map(({ at }) => at) }),
    ].toSorted((a, b) => a.at - b.at),
    healAt,
  };
}

function planApps(random: Random, has: (trouble: Trouble) => boolean): readonly AppPlan[] {
  const uncertainPolicy = (): UncertainPolicy =>
    random() < 0.7 ? 'resend-pages' : pick(random, ['resend-all', 'resend-none']);
  const first = { id: 'a', uncertainPolicy: uncertainPolicy(), isDead: false };
  if (random() < 0.6) return [first];
  return [first, { id: 'b', uncertainPolicy: uncertainPolicy(), isDead: has('low-ceiling') }];
}

function planReports(
  random: Random,
  {
    fingerprints,
    reportMs,
    has,
  }: {
    readonly fingerprints: readonly string[];
    readonly reportMs: number;
    readonly has: (trouble: Trouble) => boolean;
  },
): readonly PlannedEvent[] {
  const count = 1 + Math.floor(random() * 7);
  const reports: Extract<PlannedEvent, { kind: 'report' }>[] = [];
  const times = Array.from({ length: count }, () => random() * reportMs).toSorted((a, b) => a - b);
  for (const [index, at] of times.entries()) {
    const earlier = reports[Math.floor(random() * reports.length)];
    if (earlier !== undefined && has('repeated-events') && random() < 0.4) {
      const isReused = random() < 0.3;
      reports.push({
        ...earlier,
        at,
        isPastApi: random() < 0.5,
        ...(isReused ? { summary: `again ${index}` } : {}),
      });
      continue;
    }
    reports.push({
      at,
      kind: 'report',
      fingerprint: pick(random, fingerprints),
      status: pick(random, ['firing', 'firing', 'firing', 'resolved', 'resolved', 'suppressed']),
      severity: random() < 0.7 ? 'critical' : 'none',
      eventId: `e${index}`,
      summary: `report ${index}`,
      isPastApi: false,
    });
  }
  return reports;
}

function planTroubles(
  random: Random,
  {
    apps,
    routes,
    reportMs,
    has,
    times,
  }: {
    readonly apps: readonly AppPlan[];
    readonly routes: readonly RoutePlan[];
    readonly reportMs: number;
    readonly has: (trouble: Trouble) => boolean;
    /** When something is reported. */
    readonly times: readonly number[];
  },
): readonly PlannedEvent[] {
  const events: PlannedEvent[] = [];
  // Trouble finds more to disturb where something is on its way.
  const at = (): number =>
    random() < 0.5
      ? random() * reportMs
      : Math.max(0, pick(random, times) + pick(random, [20, 500, 5000]) * (2 * random() - 1));
  const some = (most: number): number => 1 + Math.floor(random() * most);
  const add = (trouble: Trouble, most: number, make: () => PlannedEvent): void => {
    if (!has(trouble)) return;
    for (let left = some(most); left > 0; left--) events.push(make());
  };
  const appId = (): string => pick(random, apps).id;
  const forMs = (): number => pick(random, [1000, 10_000, 40_000, 120_000]) * random();
  const mood =
    (...moods: readonly Mood[]) =>
    (): PlannedEvent => ({
      at: at(),
      kind: 'mood',
      appId: appId(),
      mood: pick(random, moods),
      forMs: forMs(),
    });
  add('crashes', 4, () => ({
    at: at(),
    kind: 'crash',
    process: Math.floor(random() * 2),
    downMs: pick(random, [100, 5000, 60_000, 400_000]) * random(),
  }));
  add('databases-away', 2, () => ({
    at: at(),
    kind: 'away',
    server: pick(random, ['postgres', 'postgres', 'clickhouse']),
    hangs: random() < 0.4,
    forMs: forMs(),
  }));
  add('clock-jumps', 2, () => ({
    at: at(),
    kind: 'clock',
    process: Math.floor(random() * 2),
    skewMs: pick(random, [-5000, -1000, 1000, 5000]),
    forMs: forMs(),
  }));
  add('settings', 3, () => {
    const kind = pick(random, ['rename-route', 'rename-route', 'move-app', 'switch-app']);
    return kind === 'rename-route'
      ? { at: at(), kind, routeId: pick(random, routes).id }
      : { at: at(), kind, appId: appId(), forMs: forMs() };
  });
  add('unknown-key', 1, () => ({ at: at(), kind: 'unknown-key', forMs: forMs() }));
  add('repeated-signals', 4, () => ({ at: at(), kind: 'repeat-signal' }));
  add('flaky-provider', 3, mood('flaky', 'unavailable', 'unreachable'));
  add('doubtful-provider', 3, mood('flaky', 'hanging', 'mute'));
  add('throttling-provider', 3, mood('throttling'));
  add('refusing-provider', 2, mood('refusing'));
  add('gone-provider', 1, mood('gone'));
  for (const { id, isDead } of apps)
    if (isDead) events.push({ at: 0, kind: 'mood', appId: id, mood: 'unavailable', forMs: Infinity });
  return events;
}
