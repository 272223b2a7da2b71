import { setMaxListeners } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, startNotificationSink, startTcpProxy } from '@heliograph/simulators';
import { startStack } from '@heliograph/stack';
import { createApiClient } from './api-client.js';
import { breakThings } from './break-things.js';
import { checkDispatch } from './check-dispatch.js';
import { dispatchProcesses, NAMESPACE } from './dispatch-processes.js';
import { createOrchestratorFinder } from './find-orchestrator.js';
import { gatherEvidence } from './gather-evidence.js';
import { reportRun } from './report.js';
import { CUT_PROBABILITY, FAULTS, REFUSALS, ROUTES } from './scenario.js';
import { sendStorm } from './send-storm.js';
import { createPace } from './pace.js';

/**
 * Alerts fire, go on, are suppressed, resolved and fire again while servers, workers, the orchestrator and the API are
 * killed with -9 and PostgreSQL hangs for a while. Afterwards databases, receiver and the explain API are compared;
 * nobody else is asked.
 * @param {{ root: string, alerts: number, kills: number, seed: number, print: (line: string) => void }} options
 * @returns {Promise<boolean>} whether nothing was found
 */
export async function runDispatchChaos({ root, alerts, kills, seed, print }) {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-chaos-'));
  const startedAt = performance.now();
  const stop = new AbortController();
  const { signal } = stop;
  // Each wait and each request listens to it.
  setMaxListeners(0, signal);
  const abort = () => stop.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  const tell = (/** @type {string} */ line) =>
    print(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  let isWorthKeeping = true;
  try {
    const stack = await startStack({ directory: join(directory, 'state'), profile: 'local', print: tell });
    closers.push(() => stack.stop());
    const sink = await startNotificationSink({ seed, faults: FAULTS });
    closers.push(() => sink.close());
    const sinkProxy = await startTcpProxy(sink.port);
    closers.push(() => sinkProxy.close());
    const cutRandom = seededRandom(seed ^ 0xc07);
    sinkProxy.cutWhen(() => cutRandom() < CUT_PROBABILITY);
    const proxy = await startTcpProxy(Number(new URL(String(stack.env['HELIOGRAPH_POSTGRES_URL'])).port));
    closers.push(() => proxy.close());
    const processes = await dispatchProcesses({ root, stack, postgresProxyPort: proxy.port });
    for (const specs of processes.specs) await stack.run(specs);
    const finder = await createOrchestratorFinder({
      address: String(stack.env['HELIOGRAPH_TEMPORAL_ADDRESS']),
      namespace: NAMESPACE,
    });
    closers.push(() => finder.close());
    const api = createApiClient({ url: processes.apiUrl, key: processes.apiKey, signal });
    const routes = await createRoutes(api, {
      url: `http://127.0.0.1:${sinkProxy.port}/hook`,
      secret: processes.webhookSecret,
    });
    tell(`stack and Dispatch Center are up; ${alerts} alerts, ${kills} kills, seed ${seed}`);

    const pace = createPace({ breaks: kills + 1, now: () => performance.now() });
    const sending = sendStorm({ api, alerts, seed, progress: () => pace.progress(), signal });
    // Heard of at once, not only when the breaks are over.
    sending.catch(abort);
    const breaks = await breakThings({
      stack,
      processes,
      proxy,
      finder,
      kills,
      seed,
      random: seededRandom(seed ^ 0x9a5e),
      received: () => sink.records.length,
      onBreak: (done, all) => pace.broke(done, all),
      print: tell,
      signal,
    });
    sink.setFaults([]);
    sinkProxy.cutWhen(() => false);
    pace.finish();
    const { acknowledged, retries } = await sending;
    tell(
      `${acknowledged.length} issues stored, ${retries} requests repeated, ${sinkProxy.cuts} connections cut; waiting for the rest`,
    );

    const evidence = await gatherEvidence({
      stack,
      sink,
      api,
      acknowledged,
      routes,
      refusals: REFUSALS,
      signal,
    });
    tell(
      `nothing was under way any more after ${Math.round(evidence.settledMs / 1000)} s; all is read and explained`,
    );
    const { lines, json, passed } = reportRun(checkDispatch(evidence), breaks, {
      seed,
      alerts,
      acknowledged: acknowledged.length,
      settledMs: evidence.settledMs,
      durationMs: performance.now() - startedAt,
    });
    if (!passed) keepEvidence(join(directory, 'evidence.json'), evidence);
    isWorthKeeping = !passed;
    for (const line of lines) print(line);
    if (!passed) print(`evidence and logs stay in ${directory}`);
    print(json);
    return passed;
  } catch (error) {
    if (signal.aborted) isWorthKeeping = false;
    else print(`logs stay in ${directory}`);
    throw error;
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
    for (const close of closers.toReversed()) await close();
    clearAway(directory, isWorthKeeping);
  }
}

/**
 * One connected app for each route.
 * @param {import('./api-client.js').ApiClient} api
 * @param {{ url: string, secret: string }} receiver
 * @returns {Promise<readonly import('./check-dispatch.js').Route[]>}
 */
async function createRoutes(api, { url, secret }) {
  const routes = [];
  for (const { matches, ...route } of ROUTES) {
    const app = await api.post('/api/v1/connected-apps', {
      name: route.name,
      provider: 'webhook',
      settings: { url },
      secret,
    });
    const { id } = await api.post('/api/v1/routes', { ...route, connectedAppIds: [app.id] });
    routes.push({ ...route, id, connectedAppId: app.id, matches });
  }
  return routes;
}

/**
 * @param {string} path
 * @param {import('./check-dispatch.js').Evidence} evidence
 */
function keepEvidence(path, { explanations, ...rest }) {
  writeFileSync(
    path,
    JSON.stringify({ ...rest, refusals: [...rest.refusals], explanations: Object.fromEntries(explanations) }),
  );
}

/**
 * @param {string} directory
 * @param {boolean} isWorthKeeping evidence and logs stay, the servers' data do not
 */
function clearAway(directory, isWorthKeeping) {
  if (!isWorthKeeping) {
    rmSync(directory, { recursive: true, force: true });
    return;
  }
  const state = join(directory, 'state');
  for (const name of readdirSync(state)) {
    if (name !== 'logs') rmSync(join(state, name), { recursive: true, force: true });
  }
}
