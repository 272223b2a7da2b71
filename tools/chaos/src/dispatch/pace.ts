export interface Pace {
  /** From 0 to 1; it never goes back. */
  progress(): number;
  /** Says that one more of all breaks is done. */
  recordBreak(done: number, all: number): void;
  /** From now on progress is 1. */
  finish(): void;
}

/** How long a break takes until the first ones are known, in milliseconds. */
const FIRST_GUESS_MS = 5000;
/** The share of the run that is left for the last phase, in which nothing is broken. */
const LAST_PHASE = 0.04;

/** Spreads work evenly over breaks whose duration nobody knows, by how long the breaks so far took. */
export function createPace(options: { readonly breaks: number; readonly now: () => number }): Pace {
  const { breaks, now } = options;
  const startedAt = now();
  const reserved = 1 - LAST_PHASE;
  let reached = 0;
  let at = startedAt;
  let left = breaks;
  let eachMs = FIRST_GUESS_MS;
  let isFinished = false;
  return {
    progress() {
      if (isFinished) return 1;
      const passedMs = now() - at;
      at = now();
      const leftMs = Math.max(eachMs, left * eachMs);
      reached = Math.min(reserved, reached + (passedMs / leftMs) * (reserved - reached));
      return reached;
    },
    recordBreak(done, all) {
      left = all - done;
      eachMs = (now() - startedAt) / Math.max(1, done);
    },
    finish() {
      isFinished = true;
    },
  };
}
