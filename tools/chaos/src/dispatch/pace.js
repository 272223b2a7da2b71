/**
 * @typedef {object} Pace
 * @property {() => number} progress from 0 to 1; it never goes back
 * @property {(done: number, all: number) => void} broke one more thing was broken
 * @property {() => void} finish nothing is waited for any more
 */

/** How long a break takes until the first of them tell, in milliseconds. */
const FIRST_GUESS_MS = 5000;
/** What is left for the last phase, in which nothing is broken. */
const LAST_PHASE = 0.04;

/**
 * Spreads something evenly over breaks of which nobody knows how long they take: by what is left of it and by how long
 * the breaks so far took.
 * @param {{ breaks: number, now: () => number }} options `now` in milliseconds
 * @returns {Pace}
 */
export function createPace({ breaks, now }) {
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
    broke(done, all) {
      left = all - done;
      eachMs = (now() - startedAt) / Math.max(1, done);
    },
    finish() {
      isFinished = true;
    },
  };
}
