import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertStorm } from '@heliograph/simulators';
import { planSteps } from './scenario.js';

/** Posts under way at once, of different alerts. */
const LANES = 16;
const TICK_MS = 50;

/**
 * Posts everything that is planned, spread over the run by `progress`. Issues of one alert are posted one after
 * another, each until it is acknowledged.
 * @param {{ api: import('./api-client.js').ApiClient, alerts: number, seed: number, progress: () => number,
 *   signal: AbortSignal }} options `progress` goes from 0 to 1
 * @returns {Promise<{ acknowledged: readonly import('./check-dispatch.js').Acknowledged[], retries: number }>}
 */
export async function sendStorm({ api, alerts, seed, progress, signal }) {
  const subjects = createAlertStorm({ seed, subjects: alerts });
  /** @type {Map<number, Promise<void>>} */
  const tails = new Map();
  /** @type {import('./check-dispatch.js').Acknowledged[]} */
  const acknowledged = [];
  let retries = 0;
  /** @type {Set<Promise<void>>} */
  const underWay = new Set();
  /** @type {unknown} */
  let failure = null;
  for (const { at, subject: index, status } of planSteps({ alerts, seed })) {
    const isTurn = () => progress() >= at && underWay.size < LANES;
    while (!isTurn()) await sleep(TICK_MS, undefined, { signal });
    if (failure !== null) break;
    const subject = subjects[index];
    if (subject === undefined) continue;
    const post = async () => {
      const issue = subject.issue(status, Date.now());
      const { retries: repeated } = await api.post('/api/v1/issues', issue);
      retries += repeated;
      acknowledged.push({ eventId: issue.eventId, fingerprint: issue.fingerprint });
    };
    const tail = (tails.get(index) ?? Promise.resolve()).then(post).catch((error) => {
      failure ??= error;
    });
    tails.set(index, tail);
    underWay.add(tail);
    void tail.then(() => underWay.delete(tail));
  }
  await Promise.all(tails.values());
  if (failure !== null) throw failure;
  return { acknowledged, retries };
}
