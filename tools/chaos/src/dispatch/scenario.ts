import { seededRandom, type FaultScript, type Random } from '@heliograph/simulators';
import type { Status } from './evidence.ts';

export type Victim = 'worker' | 'orchestrator' | 'temporal' | 'postgres' | 'clickhouse' | 'api';

/** One thing to break. `together`: the next break does not wait until the victim is back. */
export type Break =
  | { readonly kind: 'kill'; readonly victim: Victim; readonly together: boolean }
  | { readonly kind: 'freeze' }
  /** The open connections of the workers swallow everything; new ones work. */
  | { readonly kind: 'silence'; readonly server: Silenced };

/** A server whose connections can be silenced. */
export type Silenced = 'postgres' | 'clickhouse';

/** A report about one alert; `at` goes from 0, the beginning of the run, to 1, its end. */
export interface Step {
  readonly at: number;
  readonly subject: number;
  readonly status: Status;
}

type Matchable = { readonly severity: string; readonly labels: Readonly<Record<string, string>> };

export interface RoutePlan {
  readonly name: string;
  readonly query: string;
  /** The meaning of the query, expressed without the product's code. */
  readonly matches: (issue: Matchable) => boolean;
  readonly renotifyIntervalMs: number | null;
  readonly maxSignalAgeMs: number;
  /** Its connected app refuses everything, with 503, until the end. Default false. */
  readonly isDead?: boolean;
}

/** Longer than any run: whatever is dropped as stale is a mistake. */
const MAX_SIGNAL_AGE_MS = 1_800_000;

/** The routes of a run. Some issues match both, some one, some none. */
export const ROUTES: readonly RoutePlan[] = [
  {
    name: 'renotifying',
    query: 'NOT namespace:kube-system',
    matches: ({ labels }) => labels['namespace'] !== 'kube-system',
    // So short that a renotification which a dead worker began may be too old when it is decided once more.
    renotifyIntervalMs: 10_000,
    maxSignalAgeMs: MAX_SIGNAL_AGE_MS,
  },
  {
    name: 'critical in production',
    query: 'severity:critical AND cluster:prod-*',
    matches: ({ severity, labels }) =>
      severity === 'critical' && (labels['cluster'] ?? '').startsWith('prod-'),
    renotifyIntervalMs: null,
    maxSignalAgeMs: MAX_SIGNAL_AGE_MS,
  },
];

/** Nine connected apps that work, most of them for one namespace; a tenth gets everything and is dead. */
const DEAD_APP_ROUTES: readonly RoutePlan[] = [
  ...ROUTES,
  ...['payments', 'checkout', 'identity', 'search', 'ingest', 'kube-system', 'default'].map(
    (namespace): RoutePlan => ({
      name: namespace,
      query: `namespace:${namespace}`,
      matches: ({ labels }) => labels['namespace'] === namespace,
      renotifyIntervalMs: null,
      maxSignalAgeMs: MAX_SIGNAL_AGE_MS,
    }),
  ),
  {
    name: 'dead',
    query: '*',
    matches: () => true,
    renotifyIntervalMs: null,
    maxSignalAgeMs: MAX_SIGNAL_AGE_MS,
    isDead: true,
  },
];

/** What a run is like, besides its size. */
export interface Profile {
  readonly routes: readonly RoutePlan[];
  /** Alert workflows that may run at once; default that of the product. */
  readonly maxRunningAlerts?: number;
  /** How often connections are silenced. */
  readonly silences: readonly Silenced[];
  /** The longest time from storing an issue to its first receipt at an app that is not dead, in milliseconds. */
  readonly maxLatencyMs?: number;
}

/** Two connected apps, and kills. */
export const KILLS: Profile = { routes: ROUTES, silences: [] };
/** One dead app among ten at a low ceiling, and silent connections. */
export const DEAD_APP: Profile = {
  routes: DEAD_APP_ROUTES,
  // The dead app holds 48 of them: what is left to the others starts about 4 streams per second.
  maxRunningAlerts: 60,
  silences: ['postgres', 'clickhouse', 'postgres'],
  maxLatencyMs: 120_000,
};

/** Streams with this prefix are sometimes refused permanently, and meet no other fault of the receiver. */
const REFUSED = 'alert-0';

/** The faults of the receiver until the last phase. */
export const FAULTS: FaultScript = [
  { streamContains: REFUSED, probability: 0.3, timesPerStream: 1, fault: { kind: 'status', status: 400 } },
  // If a notification was refused after it may have been received, nobody could say what is open at the provider.
  { streamContains: REFUSED, fault: { kind: 'slow', delayMs: 5 } },
  { probability: 0.02, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
  { probability: 0.03, fault: { kind: 'status', status: 503 } },
  { probability: 0.02, fault: { kind: 'hang' } },
  { probability: 0.02, fault: { kind: 'close-after-body' } },
  { probability: 0.03, fault: { kind: 'slow', delayMs: 300 } },
];

/** The probability with which a chunk of a request to the receiver, or of its answer, is cut. */
export const CUT_PROBABILITY = 0.01;

/** HTTP statuses with which the script refuses permanently: only these justify a dropped notification. */
export const REFUSALS: ReadonlySet<number> = new Set(
  FAULTS.flatMap(({ fault }) => (fault.kind === 'status' && fault.status < 429 ? [fault.status] : [])),
);

/** What happens to an alert, as letters: firing, suppressed, resolved. */
const STORIES = ['FFFR', 'FFRFF', 'FSFR', 'SFRFR', 'RFFS', 'FFFFFF', 'FRFRFR', 'FSFFSRF', 'FFSR', 'SRSF'];
const LETTERS: Readonly<Record<string, Status>> = { F: 'firing', S: 'suppressed', R: 'resolved' };

/** Plans what is reported when, in the order of time: each alert lives through one story, and together they fill the run. */
export function planSteps(options: { readonly alerts: number; readonly seed: number }): readonly Step[] {
  const random = seededRandom(options.seed ^ 0x5eed);
  return Array.from({ length: options.alerts }, (_, subject) => {
    const story = STORIES[subject % STORIES.length] ?? 'FR';
    const from = random() * 0.6;
    const length = 0.2 + random() * (0.8 - from);
    const times = Array.from(story, () => from + random() * length).toSorted((a, b) => a - b);
    return Array.from(story, (letter, index) => ({
      at: Math.min(1, times[index] ?? 1),
      subject,
      status: LETTERS[letter] ?? 'firing',
    }));
  })
    .flat()
    .toSorted((a, b) => a.at - b.at);
}

const SHARES: readonly (readonly [Victim, number])[] = [
  ['worker', 13],
  ['orchestrator', 13],
  ['temporal', 8],
  ['postgres', 8],
  ['clickhouse', 8],
];

/**
 * Plans what is broken: the kills in fixed shares and a random order, one of the API on top per 25 of them, and in the
 * middle PostgreSQL hangs; connections are silenced in between.
 */
export function planBreaks(options: {
  readonly kills: number;
  readonly seed: number;
  readonly silences?: readonly Silenced[];
}): readonly Break[] {
  const { kills, seed, silences = [] } = options;
  const random = seededRandom(seed ^ 0xb4ea);
  const whole = SHARES.reduce((sum, [, share]) => sum + share, 0);
  const victims: Victim[] = [];
  let dealt = 0;
  for (const [victim, share] of SHARES) {
    dealt += share;
    while (victims.length < Math.round((kills * dealt) / whole)) victims.push(victim);
  }
  for (let count = Math.floor(kills / 25); count > 0; count--) victims.push('api');
  const breaks: Break[] = shuffle(victims, random).map((victim) => ({
    kind: 'kill',
    victim,
    together: random() < 0.2,
  }));
  breaks.splice(Math.floor(breaks.length / 2), 0, { kind: 'freeze' });
  for (const [index, server] of silences.entries())
    breaks.splice(Math.floor(((index + 1) * breaks.length) / (silences.length + 1)), 0, {
      kind: 'silence',
      server,
    });
  return breaks;
}

function shuffle<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, by: random() }))
    .toSorted((a, b) => a.by - b.by)
    .map(({ value }) => value);
}
