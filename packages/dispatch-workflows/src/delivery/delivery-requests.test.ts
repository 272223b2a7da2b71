import { createChannelRegistry, createWebhookChannel } from '@heliograph/notifier/channels';
import { startLoopbackServer, type LoopbackServer } from '@heliograph/simulators';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import { deliveryWorld, testIssue, testOrder } from '../testing/delivery-world.ts';
import { attemptDelivery, type DeliveryDependencies } from './attempt-delivery.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A world whose notifications go to a server on loopback, through the real channel. */
async function loopbackWorld(answer: Parameters<typeof startLoopbackServer>[0]) {
  const server: LoopbackServer = await startLoopbackServer(answer);
  const channels = createChannelRegistry([createWebhookChannel({ allowPrivateAddresses: true })]);
  closers.push(
    () => server.close(),
    () => channels.close(),
  );
  const world = deliveryWorld();
  const { state } = world;
  const target = { ...world.target, secret: SECRET };
  const settings = { url: `${server.url}/hook`, format: 'heliograph/v1' };
  state.target = { ...target, app: { ...target.app, settings } };
  const dependencies: DeliveryDependencies = { ...world.dependencies, channels };
  const attempt = (order: DeliveryOrder) =>
    attemptDelivery(dependencies, order, {
      timeoutMs: 400,
      connectionWaitMs: 50,
      acquirePermit: (app) => dependencies.gate.tryAcquire(app),
    });
  const rename = (parts: Partial<typeof target.app>, routeName = 'critical'): void => {
    const app = state.target?.app ?? target.app;
    state.target = { ...target, routeName, app: { ...app, ...parts } };
  };
  return { state, attempt, server, settings, rename };
}

test('of a hundred deliveries to a server that hangs, exactly those that left are in doubt', async () => {
  const { state, attempt, server } = await loopbackWorld(() => undefined);
  const attempts = await Promise.all(
    Array.from({ length: 100 }, (_, n) => attempt(testOrder({ notificationId: `n${n}` }))),
  );
  expect(server.requests).toHaveLength(64);
  const codes = attempts.map((each) => (each.kind === 'again' ? each.code : each.kind));
  expect(codes.filter((code) => code === 'TIMEOUT')).toHaveLength(64);
  expect(codes.filter((code) => code === 'NO_CONNECTION')).toHaveLength(36);
  // Of the other 36 no row says anything.
  const rows = [...state.intents.rows.values()];
  expect(rows).toHaveLength(64);
  expect(new Set(rows.map(({ notificationId }) => notificationId))).toEqual(
    new Set(server.requests.map(({ headers }) => headers['webhook-id'])),
  );
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['uncertain']));
});

describe('every attempt of a notification has the same body', () => {
  const failing = (response: Parameters<Parameters<typeof startLoopbackServer>[0]>[0]): void => {
    response.statusCode = 503;
    response.end();
  };
  const resolve = testOrder({
    kind: 'resolve',
    reason: 'resolved',
    state: {
      ...testOrder().state,
      status: 'firing',
      notificationCount: 2,
      episode: '3',
      externalIds: { webhook: 'x' },
    },
  });

  test('whatever is renamed or set meanwhile', async () => {
    const { attempt, server, settings, rename } = await loopbackWorld(failing);
    await attempt(resolve);
    rename({ name: 'another app', settings: { ...settings, format: 'alertmanager/v4' } }, 'another route');
    await attempt(resolve);
    const [first, second] = server.requests;
    expect(second?.body).toBe(first?.body);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ version: '1', route: { name: 'critical' } });
  });

  test('also as an owed resolve, weeks of a stream later', async () => {
    const { state, attempt, server } = await loopbackWorld(failing);
    await attempt(resolve);
    state.intents.set(resolve.notificationId, 'dropped');
    const [row] = state.intents.rows.values();
    expect(row?.inputs).toMatchObject({ reason: 'resolved' });
    const later = { ...resolve.state, notificationCount: 7, externalIds: {} };
    await attempt({
      ...resolve,
      reason: 'resolve_owed',
      state: { ...later, lastPosition: testIssue.position },
    });
    const [first, second] = server.requests;
    expect(second?.body).toBe(first?.body);
    expect(JSON.parse(second?.body ?? '')).toMatchObject({
      reason: 'resolved',
      sequence: 2,
      externalId: 'x',
    });
  });

  test('but goes to the address, and is signed with the secret, that are current', async () => {
    const { attempt, server, settings, rename } = await loopbackWorld(failing);
    await attempt(resolve);
    rename({ settings: { ...settings, url: `${server.url}/moved` } });
    await attempt(resolve);
    expect(server.requests.map(({ path }) => path)).toEqual(['/hook', '/moved']);
    expect(server.requests[1]?.body).toBe(server.requests[0]?.body);
  });
});

test('an app with another provider gets its own settings and incident, and the names of the first attempt', async () => {
  const { state, dependencies, target } = deliveryWorld({ kind: 'uncertain', code: 'TIMEOUT' });
  const given = testOrder({
    state: {
      ...testOrder().state,
      notificationCount: 3,
      externalIds: { webhook: 'w', 'slack-webhook': 's' },
    },
  });
  const attempt = () =>
    attemptDelivery(dependencies, given, {
      timeoutMs: 400,
      acquirePermit: (app) => dependencies.gate.tryAcquire(app),
    });
  state.target = {
    ...target,
    app: { ...target.app, settings: { url: 'http://x', format: 'alertmanager/v4' } },
  };
  await attempt();
  const settings = { labels: ['pod'] };
  state.target = {
    ...target,
    routeName: 'renamed',
    app: { ...target.app, provider: 'slack-webhook', settings },
  };
  await attempt();
  expect(state.requests[0]).toMatchObject({
    provider: 'webhook',
    bodySettings: { format: 'alertmanager/v4' },
    notification: { externalId: 'w', route: { name: 'critical' } },
  });
  expect(state.requests[1]).toMatchObject({
    provider: 'slack-webhook',
    settings,
    bodySettings: undefined,
    notification: { externalId: 's', route: { name: 'critical' }, sequence: 3 },
  });
});
