import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startNotificationSink, type NotificationSink } from '@heliograph/simulators';
import { eventually } from '@heliograph/testkit';
import { startOrchestrator, wakeOrchestrator } from '../client/index.ts';
import { MONITOR_INSTANCES_ID } from '../contract/names.ts';
import { bundleFromSource, dispatchGround } from '../testing/dispatch-ground.ts';
import { createExplainer, type Explainer } from './create-explainer.ts';
import type { ExplainedStream, Explanation } from './explanation.ts';
import { newIssue, WEBHOOK_SECRET } from '../testing/store-drafts.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let ground: Awaited<ReturnType<typeof dispatchGround>>;
let sink: NotificationSink;
let explainer: Explainer;

const app = (name: string, enabled = true) =>
  ground.connectedApps.create(name, {
    name,
    provider: 'webhook',
    settings: { url: sink.url },
    enabled,
    secret: WEBHOOK_SECRET,
  });
const route = (id: string, query: string, connectedAppIds: readonly string[], parts: object = {}) =>
  ground.routes.create(id, { name: id, query, enabled: true, connectedAppIds, ...parts });

beforeAll(async () => {
  [ground, sink] = await Promise.all([dispatchGround('explain'), startNotificationSink()]);
  explainer = createExplainer(ground);
  await app('on');
  await app('off', false);
  await route('patient', 'severity:critical', ['on', 'off'], { renotifyIntervalMs: 3_600_000 });
  await route('mute', 'severity:critical', []);
  await route('asleep', 'severity:critical', ['on'], { enabled: false });
  await route('other', 'severity:critical AND team:db', ['on']);
});
afterAll(async () => {
  await sink.close();
  await ground.close();
  await Runtime.instance().shutdown();
});

/** Stores issues and gives the explanation of the last one, once it holds. */
async function explained(
  issues: readonly ReturnType<typeof newIssue>[],
  holds: (stream: ExplainedStream) => boolean,
): Promise<Explanation> {
  await ground.issues.append(issues, issues.map(({ eventId }) => eventId).join());
  await wakeOrchestrator(ground.client);
  const { fingerprint, eventId } = issues.at(-1) ?? newIssue();
  let last: Explanation | null = null;
  await eventually('it is decided', async () => {
    await ground.ledger.relay();
    last = await explainer.explain({ fingerprint, eventId });
    const stream = streamOf(last);
    return stream !== undefined && holds(stream);
  });
  return last ?? Promise.reject(new Error('nothing was explained'));
}

const streamOf = (explanation: Explanation | null): ExplainedStream | undefined =>
  explanation?.routes
    .find(({ id }) => id === 'patient')
    ?.streams.find(({ connectedAppId }) => connectedAppId === 'on');
const delivered = ({ outcome, attempts }: ExplainedStream) =>
  outcome.kind === 'delivered' && attempts.at(-1)?.outcome === 'delivered';
const hasRun =
  (count: number) =>
  ({ decision }: ExplainedStream): boolean =>
    decision?.count === count;

test('explains what dispatching did, from what dispatching wrote down', async () => {
  const worker = await ground.worker(await bundleFromSource());
  await worker.runUntil(async () => {
    await startOrchestrator(ground.client);

    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 429, retryAfterSeconds: 1 } }]);
    const explanation = await explained([newIssue()], delivered);
    expect(explanation.routes.map(({ id, reason }) => [id, reason])).toEqual([
      ['mute', 'no_connected_app'],
      ['patient', 'matched'],
      ['asleep', 'route_disabled'],
      ['other', 'not_matched'],
    ]);
    expect(explanation.routes.find(({ id }) => id === 'other')).toMatchObject({ clause: 'team:"db"' });
    expect(explanation.routes.find(({ id }) => id === 'patient')).toMatchObject({
      clause: 'severity:"critical"',
      streams: [{ connectedAppId: 'off', reason: 'connected_app_disabled' }, {}],
    });
    expect(streamOf(explanation)).toMatchObject({
      reason: 'new',
      notify: true,
      openNow: true,
      owed: false,
      attempts: [
        { attempt: 1, outcome: 'rate_limited', status: 429, waitMs: 1000 },
        { attempt: 2, outcome: 'delivered', status: 200 },
      ],
      outcome: { kind: 'delivered', externalId: 'sink-alert-f1-patient-on' },
    });
    expect(streamOf(explanation)?.summary).toMatch(
      /^Delivered at .*: accepted by webhook \(HTTP 200\) at the second attempt; the first was rate-limited \(retry after 1 s\)\.$/,
    );

    const quiet = await explained([newIssue(), newIssue(), newIssue()], hasRun(3));
    expect(streamOf(quiet)).toMatchObject({
      reason: 'renotify_not_due',
      notify: false,
      outcome: { kind: 'none' },
    });
    expect(streamOf(quiet)?.nextRenotificationNotBefore).not.toBeNull();

    const suppressed = await explained([newIssue({ status: 'suppressed' })], hasRun(1));
    expect(streamOf(suppressed)?.reason).toBe('suppressed');
    const again = await explained([newIssue()], delivered);
    expect(streamOf(again)?.reason).toBe('suppression_bypass');
    // An earlier decision is explained as it was made, whatever came later.
    const before = await explainer.explain({
      fingerprint: 'f1',
      at: Date.parse(quiet.issue?.storedAt ?? ''),
    });
    expect(streamOf(before)).toMatchObject({ reason: 'renotify_not_due', decision: { count: 3 } });

    const over = await explained([newIssue({ status: 'resolved' })], delivered);
    expect(streamOf(over)).toMatchObject({
      reason: 'resolved',
      decision: { kind: 'resolve' },
      openNow: false,
    });
    const overAgain = await explained([newIssue({ status: 'resolved' })], hasRun(1));
    expect(streamOf(overAgain)?.reason).toBe('resolved_without_notification');

    sink.setFaults([{ times: 1, fault: { kind: 'status', status: 401 } }]);
    const refused = await explained(
      [newIssue({ fingerprint: 'f2' })],
      ({ outcome, attempts }) => outcome.kind === 'dropped' && attempts.length > 0,
    );
    expect(streamOf(refused)).toMatchObject({
      reason: 'rejected',
      attempts: [{ status: 401 }],
      openNow: false,
    });

    const unmatched = newIssue({ fingerprint: 'f3', severity: 'info', labels: { team: 'db' } });
    await ground.issues.append([unmatched], unmatched.eventId);
    await wakeOrchestrator(ground.client);
    await eventually(
      'it is seen',
      async () => (await explainer.explain({ fingerprint: 'f3' }))?.seenAt !== null,
    );
    await expect(explainer.explain({ fingerprint: 'f3' })).resolves.toMatchObject({
      summary:
        'Nobody notified: none of 4 routes matched; the closest, "other", requires severity:"critical".',
    });

    // The same event again, after its resolve, in another insert and without the API: no false page.
    const firing = newIssue({ fingerprint: 'f4', startsAt: 1_700_000_000_000 });
    await explained([firing], delivered);
    await explained([newIssue({ fingerprint: 'f4', status: 'resolved' })], delivered);
    await ground.issues.append([firing], 'another insert');
    await wakeOrchestrator(ground.client);
    const repeat = await eventually('the repeat is seen', async () => {
      await ground.ledger.relay();
      const found = await explainer.explain({ fingerprint: 'f4', eventId: firing.eventId });
      return found?.summary.includes('stored again') === true ? found : undefined;
    });
    expect(repeat.summary).toMatch(/^Delivered: on .* which changed nothing\.$/);
    expect(streamOf(repeat)).toMatchObject({ reason: 'new', openNow: false });
    const pages = sink.records.filter(({ body }) => body.issue.fingerprint === 'f4');
    expect(pages.map(({ body }) => body.type)).toEqual(['alert.triggered', 'alert.resolved']);

    await ground.client.workflow.getHandle(MONITOR_INSTANCES_ID).terminate('test over');
  });
  await expect(explainer.explain({ fingerprint: 'never-heard-of' })).resolves.toBeNull();
}, 180_000);
