import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAlertStorm, seededRandom, startNotificationSink } from '@heliograph/simulators';
import { startStack } from '@heliograph/stack';
import { startFreezingProxy } from '../freezing-proxy.js';
import { checkDispatch, expectedNotifications } from './check-dispatch.js';
import { DATABASE, dispatchProcesses } from './dispatch-processes.js';
import { readIssues, readStates } from './evidence.js';

/** What is killed, one after another, while alerts arrive. */
const VICTIMS = ['worker', 'temporal', 'postgres', 'clickhouse', 'worker', 'api'];
/** How long PostgreSQL hangs for the worker, longer than a first attempt may take. */
const FREEZE_MS = 6000;
/** How long after the last issue everything may take to arrive. */
const SETTLE_MS = 120_000;

/**
 * Alerts fire, go on and are resolved while every server, the worker and the API are killed with -9 in the middle and
 * PostgreSQL hangs for a while. Afterwards the databases and the receiver are compared; nobody else is asked.
 * @param {{ root: string, alerts: number, seed: number, print: (line: string) => void }} options
 * @returns {Promise<boolean>} whether nothing was lost or out of order
 */
export async function runDispatchChaos({ root, alerts, seed, print }) {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-chaos-'));
  const stop = new AbortController();
  const abort = () => stop.abort();
  process.once('SIGINT', abort).once('SIGTERM', abort);
  /** @type {(() => Promise<void>)[]} */
  const closers = [];
  try {
    const stack = await startStack({ directory: join(directory, 'state'), profile: 'local', print });
    closers.push(() => stack.stop());
    const sink = await startNotificationSink({
      seed,
      // A receiver as they are: now and then it limits, fails, or closes before it answers.
      faults: [
        { probability: 0.03, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
        { probability: 0.03, fault: { kind: 'status', status: 503 } },
        { probability: 0.02, fault: { kind: 'close-after-body' } },
      ],
    });
    closers.push(() => sink.close());
    const proxy = await startFreezingProxy(
      Number(new URL(String(stack.env['HELIOGRAPH_POSTGRES_URL'])).port),
    );
    closers.push(() => proxy.close());
    const processes = await dispatchProcesses({ root, stack, postgresProxyPort: proxy.port });
    await stack.run(processes.specs);
    print(`stack and Dispatch Center are up; ${alerts} alerts, seed ${seed}`);
    const call = caller(processes.apiUrl, processes.apiKey, stop.signal);
    const app = await call('/api/v1/connected-apps', {
      name: 'chaos',
      provider: 'webhook',
      settings: { url: sink.url },
      secret: processes.webhookSecret,
    });
    await call('/api/v1/routes', { name: 'chaos', query: '*', connectedAppIds: [String(app.id)] });

    // Longer than all breaks take, so that each of them meets work.
    const seconds = 12 * (VICTIMS.length + 1);
    const sending = sendStorm({ call, alerts, seed, seconds, signal: stop.signal });
    const idle = await breakThings({ stack, proxy, sink, print, pauseMs: 7000, signal: stop.signal });
    const { acknowledged, retries } = await sending;
    print(
      `${acknowledged.length} issues stored, ${retries} requests repeated; waiting for the rest to arrive`,
    );

    const evidence = await settled({ stack, sink, acknowledged, signal: stop.signal });
    const verdict = checkDispatch(evidence);
    const restarts = stack.processes().map(({ name, restarts: count }) => `${name} ${count}`);
    print(`restarts: ${restarts.join(', ')}`);
    for (const kind of /** @type {const} */ ([
      'forgotten',
      'lost',
      'unexpected',
      'reordered',
      'wrongStates',
    ])) {
      for (const line of verdict[kind].slice(0, 10)) print(`${kind}: ${line}`);
    }
    const { lost, unexpected, reordered, wrongStates, forgotten } = verdict;
    for (const line of idle) print(`idle: ${line}`);
    const passed = [lost, unexpected, reordered, wrongStates, forgotten, idle].every(
      (list) => list.length === 0,
    );
    print(
      `chaos dispatch ${passed ? 'passed' : 'FAILED'}: ${verdict.expected} notifications expected, ${lost.length} lost, ` +
        `${reordered.length} reordered, ${unexpected.length} unexpected, ${wrongStates.length} wrong states, ` +
        `${forgotten.length} acknowledged issues gone, ${verdict.duplicates} duplicates (same webhook id)`,
    );
    return passed;
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
    for (const close of closers.toReversed()) await close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Breaks one thing after another; returns what was broken while nothing was under way, which would prove nothing.
 * @param {{ stack: import('@heliograph/stack').Stack, proxy: import('../freezing-proxy.js').FreezingProxy,
 *   sink: import('@heliograph/simulators').NotificationSink, print: (line: string) => void, pauseMs: number, signal: AbortSignal }} options
 */
async function breakThings({ stack, proxy, sink, print, pauseMs, signal }) {
  /** @type {string[]} */
  const idle = [];
  let received = 0;
  const expectWork = (/** @type {string} */ before) => {
    if (sink.records.length === received) idle.push(`nothing was received in the pause before ${before}`);
    received = sink.records.length;
  };
  for (const victim of VICTIMS) {
    await sleep(pauseMs, undefined, { signal });
    expectWork(`the kill of ${victim}`);
    const view = stack.processes().find(({ name }) => name === victim);
    if (view?.pid === undefined) throw new Error(`${victim} does not run, so it cannot be killed`);
    print(`kill -9 ${victim} (pid ${view.pid})`);
    process.kill(view.pid, 'SIGKILL');
    await back(stack, victim, view.restarts, signal);
  }
  await sleep(pauseMs, undefined, { signal });
  expectWork('PostgreSQL hung');
  print(`PostgreSQL hangs for the worker, ${FREEZE_MS / 1000} s`);
  proxy.freeze();
  await sleep(FREEZE_MS, undefined, { signal });
  proxy.thaw();
  await sleep(pauseMs, undefined, { signal });
  expectWork('the end');
  return idle;
}

/**
 * @param {import('@heliograph/stack').Stack} stack
 * @param {string} victim
 * @param {number} restartsBefore
 * @param {AbortSignal} signal
 */
async function back(stack, victim, restartsBefore, signal) {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    const view = stack.processes().find(({ name }) => name === victim);
    if (view !== undefined && view.restarts > restartsBefore && view.state === 'ready') return;
    await sleep(100, undefined, { signal });
  }
  throw new Error(`${victim} did not come back within a minute`);
}

/**
 * Every alert fires, goes on once, and three of four are resolved; a request that fails is repeated as it was.
 * @param {{ call: ReturnType<typeof caller>, alerts: number, seed: number, seconds: number, signal: AbortSignal }} options
 */
async function sendStorm({ call, alerts, seed, seconds, signal }) {
  const random = seededRandom(seed);
  const timeline = createAlertStorm({ seed, subjects: alerts })
    .flatMap((subject, index) => {
      const firstAt = random() * 0.75;
      /** @type {{ at: number, subject: typeof subject, status: 'firing' | 'resolved' }[]} */
      const steps = [
        { at: firstAt, subject, status: 'firing' },
        { at: firstAt + random() * 0.15, subject, status: 'firing' },
      ];
      return index % 4 === 0
        ? steps
        : [
            ...steps,
            { at: firstAt + 0.15 + random() * 0.1, subject, status: /** @type {const} */ ('resolved') },
          ];
    })
    .toSorted((a, b) => a.at - b.at);
  const startedAt = performance.now();
  /** @type {string[]} */
  const acknowledged = [];
  let retries = 0;
  for (const { at, subject, status } of timeline) {
    await sleep(Math.max(0, startedAt + at * seconds * 1000 - performance.now()), undefined, { signal });
    const issue = subject.issue(status, Date.now());
    const { retries: repeated } = await call('/api/v1/issues', issue);
    retries += repeated;
    acknowledged.push(issue.eventId);
  }
  return { acknowledged, retries };
}

/**
 * Waits until every expected notification has arrived and is recorded, or time is up, and returns what is there then.
 * @param {{ stack: import('@heliograph/stack').Stack, sink: import('@heliograph/simulators').NotificationSink,
 *   acknowledged: readonly string[], signal: AbortSignal }} options
 */
async function settled({ stack, sink, acknowledged, signal }) {
  const clickhouseUrl = String(stack.env['HELIOGRAPH_CLICKHOUSE_URL']);
  const postgresUrl = String(stack.env['HELIOGRAPH_POSTGRES_URL']);
  for (let waitedMs = 0; ; waitedMs += 1000) {
    const issues = await readIssues(clickhouseUrl, DATABASE);
    const states = await readStates(postgresUrl);
    const recorded = states.reduce((sum, { notificationCount }) => sum + notificationCount, 0);
    const received = sink.records.map(({ webhookId, answer, body }) => ({
      webhookId,
      answer,
      type: body.type,
      eventId: body.issue.eventId,
      fingerprint: body.issue.fingerprint,
    }));
    const done = recorded >= expectedNotifications(issues).length;
    if (waitedMs >= SETTLE_MS || done) {
      // What should not come would come now.
      if (done) await sleep(3000, undefined, { signal });
      return { issues, states, received, acknowledged };
    }
    await sleep(1000, undefined, { signal });
  }
}

/**
 * Posts, and repeats for two minutes what was not answered or answered with 5xx.
 * @param {string} url
 * @param {string} key
 * @param {AbortSignal} signal
 * @returns {(path: string, body: object) => Promise<{ id?: string, retries: number }>}
 */
function caller(url, key, signal) {
  return async (path, body) => {
    for (let retries = 0; retries < 240; retries++) {
      const response = await fetch(url + path, {
        method: 'POST',
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).catch(() => null);
      signal.throwIfAborted();
      if (response?.ok === true) {
        /** @type {unknown} */
        const answer = await response.json();
        const id = typeof answer === 'object' && answer !== null && 'id' in answer ? String(answer.id) : '';
        return { id, retries };
      }
      if (response !== null && response.status < 500)
        throw new Error(`POST ${path} was answered with ${response.status}`);
      await sleep(500, undefined, { signal });
    }
    throw new Error(`POST ${path} was not taken within two minutes`);
  };
}
