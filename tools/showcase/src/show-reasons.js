import { setTimeout as sleep } from 'node:timers/promises';
import { EXPLAINED_REASONS } from '@heliograph/dispatch-workflows/explain';
import { startGround } from './ground.js';
import { SITUATIONS } from './situations.js';

/**
 * @typedef {import('./ground.js').Ground} Ground
 * @typedef {object} Shown what to ask for
 * @property {string} fingerprint
 * @property {string} [eventId]
 *
 * @typedef {object} Situation
 * @property {string} reason as the explanation names it; of a stream, or of a route
 * @property {string} [outcome] of the stream, where it is what this shows
 * @property {string} title
 * @property {(ground: Ground) => Promise<Shown>} play
 */

/**
 * Plays each situation against the real API, worker and servers, waits until its reason is given, and prints what
 * the command line says. Returns 1 where a reason was not shown, 2 where one that was asked for does not exist.
 * @param {{ root: string, wanted: readonly string[], print: (line: string) => void }} options
 * @returns {Promise<number>}
 */
export async function showReasons({ root, wanted, print }) {
  const unknown = wanted.filter((reason) => !SITUATIONS.some((each) => each.reason === reason));
  if (unknown.length > 0) {
    const known = [...new Set(SITUATIONS.map(({ reason }) => reason))].join(', ');
    print(`reasons: no situation for ${unknown.join(', ')}; known are: ${known}`);
    return 2;
  }
  const situations = SITUATIONS.filter(({ reason }) => wanted.length === 0 || wanted.includes(reason));
  const ground = await startGround(root, print);
  /** @type {Set<string>} */
  const shown = new Set();
  /** @type {string[]} */
  const missed = [];
  try {
    for (const situation of situations) {
      const { reason, outcome, title, play } = situation;
      try {
        const question = await play(ground);
        await ground.untilExplained(question, { reason, outcome });
        // The ledger follows the rows that it tells of by a moment.
        await sleep(700);
        print(`\n━━ ${reason}${outcome === undefined ? '' : ` (${outcome})`}: ${title}`);
        print(await ground.heliograph(question));
        shown.add(reason);
      } catch (error) {
        missed.push(`${reason}: ${error instanceof Error ? error.message : String(error)}`);
        print(`\n━━ ${reason}: NOT SHOWN: ${error instanceof Error ? error.message : String(error)}`);
      }
      await ground.restore();
    }
  } finally {
    await ground.stop();
  }
  if (wanted.length === 0)
    for (const reason of EXPLAINED_REASONS)
      if (!shown.has(reason) && !missed.some((line) => line.startsWith(`${reason}:`)))
        missed.push(`${reason}: no situation shows it`);
  const expected = wanted.length === 0 ? EXPLAINED_REASONS.length : new Set(wanted).size;
  print(
    `\nreasons: ${shown.size} of ${expected} shown${missed.length === 0 ? '' : `; missing: ${missed.join('; ')}`}`,
  );
  return missed.length === 0 ? 0 : 1;
}
