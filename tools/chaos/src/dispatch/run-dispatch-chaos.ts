import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDispatchClient, type DispatchClient } from '@heliograph/dispatch-api';
import { seededRandom, startNotificationSink, startTcpProxy, type TcpProxy } from '@heliograph/simulators';
import { startStack } from '@heliograph/stack';
import { breakThings } from './break-things.ts';
import { checkDispatch, type Evidence, type Route } from './check-dispatch.ts';
import { createOrchestratorFinder } from './find-orchestrator.ts';
import { gatherEvidence } from './gather-evidence.ts';
import { launchDispatch, NAMESPACE } from './launch-dispatch.ts';
import { createPace } from './pace.ts';
import { reportRun } from './report.ts';
import { CUT_PROBABILITY, FAULTS, type Profile, REFUSALS, type RoutePlan } from './scenario.ts';
import { sendStorm } from './send-storm.ts';

export interface DispatchChaosOptions {
  /** Of the repository. */
  readonly root: string;
  readonly alerts: number;
  readonly kills: number;
  readonly seed: number;
  readonly profile: Profile;
  readonly print: (line: string) => void;
}

/**
 * Lets alerts fire, continue, be suppressed, resolve and fire again while servers, workers, the orchestrator and the API are
 * killed with -9 and PostgreSQL hangs for a while. Afterwards it compares databases, receiver and the explain API, and
 * nothing else. Resolves to whether it found no violation.
 */
export async function runDispatchChaos(options: DispatchChaosOptions): Promise<boolean> {
  const { root, alerts, kills, seed, profile, print } = options;
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-chaos-'));
  const startedAt = performance.now();
  const stop = new AbortController();
  const { signal } = stop;
  // Each wait and each request listens to it.
  setMaxListeners(0, signal);
  let isInterrupted = false;
  const interrupt = (): void => {
    isInterrupted = true;
    stop.abort(new Error('interrupted'));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const tell = (line: string): void =>
    print(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  const closers: (() => Promise<void>)[] = [];
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
    const proxyTo = async (name: string): Promise<TcpProxy> => {
      const proxy = await startTcpProxy(Number(new URL(stack.env[name] ?? '').port));
      closers.push(() => proxy.close());
      return proxy;
    };
    const proxies = {
      postgres: await proxyTo('HELIOGRAPH_POSTGRES_URL'),
      clickhouse: await proxyTo('HELIOGRAPH_CLICKHOUSE_URL'),
    };
    const deadSink = await startNotificationSink({ faults: [{ fault: { kind: 'status', status: 503 } }] });
    closers.push(() => deadSink.close());
    const dispatch = await launchDispatch(
      root,
      stack,
      { postgres: proxies.postgres.port, clickhouse: proxies.clickhouse.port },
      { maxRunningAlerts: profile.maxRunningAlerts },
    );
    const finder = await createOrchestratorFinder({
      address: stack.env['HELIOGRAPH_TEMPORAL_ADDRESS'] ?? '',
      namespace: NAMESPACE,
    });
    closers.push(() => finder.close());
    const apiKey = stack.secret('dispatch-center-api-key');
    const connection = { url: dispatch.apiUrl, apiKey, timeoutMs: 10_000 };
    const client = createDispatchClient(connection);
    const urlOf = ({ isDead = false }: RoutePlan): string =>
      `http://127.0.0.1:${isDead ? deadSink.port : sinkProxy.port}/hook`;
    const routes = await createRoutes(client, profile.routes, urlOf);
    tell(`stack and Dispatch Center are up; ${alerts} alerts, ${kills} kills, seed ${seed}`);

    const pace = createPace({ breaks: kills + 1 + profile.silences.length, now: () => performance.now() });
    // It repeats what was not acknowledged itself, at its own pace.
    const monitor = createDispatchClient({ ...connection, maxAttempts: 1 });
    const storm = sendStorm({ client: monitor, alerts, seed, progress: () => pace.progress(), signal });
    // A failure ends the breaks as well.
    storm.catch((error: unknown) => stop.abort(error));
    const breaks = await breakThings({
      stack,
      dispatch,
      proxies,
      silences: profile.silences,
      finder,
      kills,
      seed,
      random: seededRandom(seed ^ 0x9a5e),
      received: () => sink.records.length,
      onBreak: (done, all) => pace.recordBreak(done, all),
      print: tell,
      signal,
    });
    sink.setFaults([]);
    sinkProxy.cutWhen(() => false);
    pace.finish();
    const { acknowledged, retries } = await storm;
    tell(
      `${acknowledged.length} issues stored, ${retries} requests repeated, ${sinkProxy.cuts} connections cut; waiting for the rest`,
    );

    const evidence = await gatherEvidence({
      stack,
      sink,
      client,
      acknowledged,
      routes,
      refusals: REFUSALS,
      maxLatencyMs: profile.maxLatencyMs,
      signal,
    });
    tell(
      `nothing is under way any more after ${Math.round(evidence.settledMs / 1000)} s; evidence is complete`,
    );
    const played = sink.records.filter(({ answer }) => answer !== 'accepted').length;
    const { lines, json, passed } = reportRun(checkDispatch(evidence), breaks, {
      seed,
      alerts,
      acknowledged: acknowledged.length,
      networkFaults: played + sinkProxy.cuts,
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
    isWorthKeeping = !isInterrupted;
    if (isWorthKeeping) print(`logs stay in ${directory}`);
    throw signal.reason ?? error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    for (const close of closers.toReversed()) await close();
    clearAway(directory, isWorthKeeping);
  }
}

/** Creates the routes, each with a connected app of its own. */
async function createRoutes(
  client: DispatchClient,
  plans: readonly RoutePlan[],
  urlOf: (plan: RoutePlan) => string,
): Promise<readonly Route[]> {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const routes: Route[] = [];
  for (const all of plans) {
    const { matches, isDead = false, ...plan } = all;
    const { name } = plan;
    const app = await client.createConnectedApp({
      body: { name, provider: 'webhook', settings: { url: urlOf(all) }, secret },
    });
    const connectedAppId = app.body.id;
    const route = await client.createRoute({ body: { ...plan, connectedAppIds: [connectedAppId] } });
    routes.push({ ...plan, id: route.body.id, connectedAppId, matches, isDead });
  }
  return routes;
}

function keepEvidence(path: string, { explanations, ...rest }: Evidence): void {
  const evidence = {
    ...rest,
    refusals: [...rest.refusals],
    explanations: Object.fromEntries(explanations),
  };
  writeFileSync(path, JSON.stringify(evidence));
}

/** Deletes the servers' data, and unless `isWorthKeeping` also evidence and logs. */
function clearAway(directory: string, isWorthKeeping: boolean): void {
  if (!isWorthKeeping) {
    rmSync(directory, { recursive: true, force: true });
    return;
  }
  const state = join(directory, 'state');
  for (const name of readdirSync(state)) {
    if (name !== 'logs') rmSync(join(state, name), { recursive: true, force: true });
  }
}
