import { seededRandom } from '@heliograph/simulators';

/**
 * @typedef {'worker' | 'orchestrator' | 'temporal' | 'postgres' | 'clickhouse' | 'api'} Victim
 * @typedef {{ kind: 'kill', victim: Victim, together: boolean } | { kind: 'freeze' }} Break
 * @typedef {'firing' | 'resolved' | 'suppressed'} Status
 * @typedef {{ at: number, subject: number, status: Status }} Step `at` from 0, the beginning, to 1, the end
 * @typedef {{ severity: string, labels: Readonly<Record<string, string>> }} Matchable
 * @typedef {object} RoutePlan
 * @property {string} name
 * @property {string} query
 * @property {(issue: Matchable) => boolean} matches what the query means, said without the product
 * @property {number | null} renotifyIntervalMs
 * @property {number} maxSignalAgeMs
 */

/** Longer than any run: whatever is too old is a mistake. */
const MAX_SIGNAL_AGE_MS = 1_800_000;

/**
 * The routes of a run: one that repeats what goes on, and one that takes less. Some issues match both, some one, some
 * none.
 * @type {readonly RoutePlan[]}
 */
export const ROUTES = [
  {
    name: 'repeating',
    query: 'NOT namespace:kube-system',
    matches: ({ labels }) => labels['namespace'] !== 'kube-system',
    // Short enough that a repetition which a dead worker began may be too old when it is decided once more.
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

/** Fingerprints that begin so are refused for good now and then, and have no other faults of the receiver. */
const REFUSED = 'alert-0';

/**
 * What the receiver does wrong until the last phase.
 * @type {import('@heliograph/simulators').FaultScript}
 */
export const FAULTS = [
  { streamContains: REFUSED, probability: 0.3, timesPerStream: 1, fault: { kind: 'status', status: 400 } },
  // Refused after it was perhaps received, nobody could say what is open outside.
  { streamContains: REFUSED, fault: { kind: 'slow', delayMs: 5 } },
  { probability: 0.02, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
  { probability: 0.03, fault: { kind: 'status', status: 503 } },
  { probability: 0.02, fault: { kind: 'hang' } },
  { probability: 0.02, fault: { kind: 'close-after-body' } },
  { probability: 0.03, fault: { kind: 'slow', delayMs: 300 } },
];

/** The probability with which a piece of a request, or of its answer, is cut on the way to the receiver. */
export const CUT_PROBABILITY = 0.01;

/** HTTP statuses with which the script refuses for good: only these justify that a notification is dropped. */
export const REFUSALS = new Set(
  FAULTS.flatMap(({ fault }) => (fault.kind === 'status' && fault.status < 429 ? [fault.status] : [])),
);

/**
 * What happens to an alert, as letters: firing, suppressed, resolved.
 * @type {readonly string[]}
 */
const STORIES = ['FFFR', 'FFRFF', 'FSFR', 'SFRFR', 'RFFS', 'FFFFFF', 'FRFRFR', 'FSFFSRF', 'FFSR', 'SRSF'];
/** @type {Readonly<Record<string, Status>>} */
const LETTERS = { F: 'firing', S: 'suppressed', R: 'resolved' };

/**
 * What is reported when, in the order of time: each alert lives through one story, and together they fill the run.
 * @param {{ alerts: number, seed: number }} options
 * @returns {readonly Step[]}
 */
export function planSteps({ alerts, seed }) {
  const random = seededRandom(seed ^ 0x5eed);
  return Array.from({ length: alerts }, (_, subject) => {
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

/** @type {readonly (readonly [Victim, number])[]} */
const SHARES = [
  ['worker', 13],
  ['orchestrator', 13],
  ['temporal', 8],
  ['postgres', 8],
  ['clickhouse', 8],
];

/**
 * What is broken, in which order: the kills in fixed shares and a random order, one of the API on top of each 25, and
 * in the middle PostgreSQL hangs. `together` does not wait until the victim is back before the next break.
 * @param {{ kills: number, seed: number }} options
 * @returns {readonly Break[]}
 */
export function planBreaks({ kills, seed }) {
  const random = seededRandom(seed ^ 0xb4ea);
  const whole = SHARES.reduce((sum, [, share]) => sum + share, 0);
  /** @type {Victim[]} */
  const victims = [];
  let dealt = 0;
  for (const [victim, share] of SHARES) {
    dealt += share;
    while (victims.length < Math.round((kills * dealt) / whole)) victims.push(victim);
  }
  for (let count = Math.floor(kills / 25); count > 0; count--) victims.push('api');
  /** @type {Break[]} */
  const breaks = shuffled(victims, random).map((victim) => ({
    kind: 'kill',
    victim,
    together: random() < 0.2,
  }));
  breaks.splice(Math.floor(breaks.length / 2), 0, { kind: 'freeze' });
  return breaks;
}

/**
 * @template T
 * @param {readonly T[]} values
 * @param {() => number} random
 * @returns {readonly T[]}
 */
function shuffled(values, random) {
  return values
    .map((value) => ({ value, by: random() }))
    .toSorted((a, b) => a.by - b.by)
    .map(({ value }) => value);
}
