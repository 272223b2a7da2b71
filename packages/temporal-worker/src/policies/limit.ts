/** A bound in milliseconds, and why it is this one. */
export interface Limit {
  readonly ms: number;
  readonly because: string;
}

/** Deliberately no bound, and why. */
export interface NoLimit {
  readonly ms: null;
  readonly because: string;
}

/** A timeout is stated either way: one that was forgotten does not compile. */
export type Timeout = Limit | NoLimit;

/** A number that is no duration, and why it is this one. */
export interface Reasoned<T> {
  readonly value: T;
  readonly because: string;
}

const UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as people write it, such as `200 ms`, `30 s`, `5 min`, `12 h`, `7 d`. */
export type DurationText = `${number} ${keyof typeof UNITS}`;

/**
 * States a bound.
 *
 * @example limit('30 s', 'the provider answers within 10 s at peak')
 */
export function limit(duration: DurationText, because: string): Limit {
  return { ms: parseDuration(duration), because };
}

/** States that there is no bound. */
export function none(because: string): NoLimit {
  return { ms: null, because };
}

/**
 * Milliseconds of a duration such as `30 s`.
 *
 * @throws {TypeError} on anything else
 */
export function parseDuration(duration: DurationText): number {
  const match = /^(\d+(?:\.\d+)?) (ms|s|min|h|d)$/.exec(duration);
  const unit = Object.entries(UNITS).find(([name]) => name === match?.[2]);
  if (match?.[1] === undefined || unit === undefined)
    throw new TypeError(`expected a duration such as "30 s", got ${JSON.stringify(duration)}`);
  return Number(match[1]) * unit[1];
}

/** A duration in the largest unit that divides it: `90 s`, `5 min`, `12 h`. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS).toReversed();
  const [name, factor] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / factor} ${name}`;
}
