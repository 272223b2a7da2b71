import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dispatchStores, WEBHOOK_SECRET } from '../testing/dispatch-ground.ts';
import type { AppTarget } from './app-health-store.ts';
import { appDraft, nextId, routeDraft } from '../testing/store-drafts.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('apps');
});
afterAll(() => ground.close());

describe('a connected app', () => {
  test('keeps its secret sealed: nothing in the table reads like it', async () => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    const [row] = await ground.postgres.sql<{ text: string; bytes: string; key: string }[]>`
      select row_to_json(a)::text as text, encode(secret_sealed, 'escape') as bytes, secret_key_id as key
      from dispatch.connected_apps a where id = ${id}`;
    const encoded = WEBHOOK_SECRET.slice('whsec_'.length);
    for (const clear of [WEBHOOK_SECRET, encoded, Buffer.from(encoded, 'base64').toString('latin1')]) {
      expect(row?.text).not.toContain(clear);
      expect(row?.bytes).not.toContain(clear);
    }
    expect(row?.key).toBe('k1');
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
    expect(JSON.stringify(await ground.connectedApps.get(id))).not.toContain(encoded);
  });

  test('whose sealed secret was copied from another app cannot be opened', async () => {
    const [from, to] = [nextId('app'), nextId('app')];
    await ground.connectedApps.create(from, appDraft());
    await ground.connectedApps.create(to, appDraft());
    await ground.postgres.sql`
      update dispatch.connected_apps set secret_sealed = (
        select secret_sealed from dispatch.connected_apps where id = ${from}) where id = ${to}`;
    await expect(ground.connectedApps.secretOf(to)).rejects.toMatchObject({
      code: 'DATABASE_SEALED_CORRUPT',
      retryable: false,
    });
  });

  test('keeps its secret through an update without one, and counts its versions', async () => {
    const id = nextId('app');
    const created = await ground.connectedApps.create(id, appDraft());
    expect(created.version).toBe(1);
    const { secret: _, ...rest } = appDraft({ name: created.name, enabled: false });
    await expect(ground.connectedApps.update(id, 1, rest)).resolves.toMatchObject({
      version: 2,
      enabled: false,
    });
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
    const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    await ground.connectedApps.update(id, 2, { ...rest, secret: other });
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(other);
  });

  test.each<[string, (id: string) => Promise<unknown>, string]>([
    [
      'an update at an old version',
      (id) => ground.connectedApps.update(id, 7, appDraft()),
      'DISPATCH_CONNECTED_APP_CHANGED',
    ],
    [
      'a removal at an old version',
      (id) => ground.connectedApps.remove(id, 7),
      'DISPATCH_CONNECTED_APP_CHANGED',
    ],
    [
      'a reading of one that is not there',
      () => ground.connectedApps.get('nobody'),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
    [
      'an update of one that is not there',
      () => ground.connectedApps.update('nobody', 1, appDraft()),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
    [
      'a removal of one that is not there',
      () => ground.connectedApps.remove('nobody', 1),
      'DISPATCH_CONNECTED_APP_NOT_FOUND',
    ],
  ])('refuses %s', async (_, run, code) => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code, retryable: false });
  });

  test('has a name of its own, also after an update', async () => {
    const [first, second] = [nextId('app'), nextId('app')];
    const { name } = await ground.connectedApps.create(first, appDraft());
    await ground.connectedApps.create(second, appDraft());
    const taken = { code: 'DISPATCH_NAME_TAKEN' };
    await expect(ground.connectedApps.create(nextId('app'), appDraft({ name }))).rejects.toMatchObject(taken);
    await expect(ground.connectedApps.update(second, 1, appDraft({ name }))).rejects.toMatchObject(taken);
  });

  test('of two updates at once one wins', async () => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => ground.connectedApps.update(id, 1, appDraft())),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(ground.connectedApps.get(id)).resolves.toMatchObject({ version: 2 });
  });

  test('that a route uses cannot be removed; afterwards it can', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    await ground.connectedApps.create(app, appDraft());
    await ground.routes.create(route, routeDraft({ connectedAppIds: [app] }));
    await expect(ground.connectedApps.remove(app, 1)).rejects.toMatchObject({
      code: 'DISPATCH_CONNECTED_APP_IN_USE',
    });
    await ground.routes.remove(route, 1);
    await ground.connectedApps.remove(app, 1);
    await expect(ground.connectedApps.get(app)).rejects.toMatchObject({
      code: 'DISPATCH_CONNECTED_APP_NOT_FOUND',
    });
  });

  test('is listed by id, page after page', async () => {
    const ids = ['listed1', 'listed2', 'listed3', 'listed4', 'listed5'];
    for (const id of ids.toReversed()) await ground.connectedApps.create(id, appDraft());
    const seen: string[] = [];
    for (let afterId = 'listed'; ; afterId = seen.at(-1) ?? afterId) {
      const page = await ground.connectedApps.list({ afterId, limit: 2 });
      seen.push(...page.map(({ id }) => id).filter((id) => id.startsWith('listed')));
      if (page.length < 2 || !page.every(({ id }) => id.startsWith('listed'))) break;
    }
    expect(seen).toEqual(ids);
  });

  test('is a delivery target with its secret and the name of the route, while it is switched on', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    const stream = { routeId: route, connectedAppId: app };
    const draft = appDraft();
    await ground.connectedApps.create(app, draft);
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
      secret: WEBHOOK_SECRET,
      routeName: null,
    });
    const { name } = await ground.routes.create(route, routeDraft({ connectedAppIds: [app] }));
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
      routeName: name,
      app: { id: app, settings: draft.settings },
    });
    await ground.connectedApps.update(app, 1, { ...draft, enabled: false });
    await expect(ground.connectedApps.deliveryTarget(stream)).resolves.toBeNull();
  });
});

describe('the health of a connected app', () => {
  const failure = { code: 'UNAUTHORIZED', status: 401 };
  const created = async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    const draft = appDraft();
    const { id, version, targetVersion } = await ground.connectedApps.create(app, draft);
    return {
      id,
      version,
      target: { id, targetVersion },
      draft,
      stream: { routeId: route, connectedAppId: id },
    };
  };
  /** What every way of reading an app says about its health. */
  const healthOf = async ({ id, stream }: Awaited<ReturnType<typeof created>>) => {
    const [one, listed, target] = await Promise.all([
      ground.connectedApps.get(id),
      ground.connectedApps.list({ afterId: null, limit: 1000 }),
      ground.connectedApps.deliveryTarget(stream),
    ]);
    const all = [one, listed.find((each) => each.id === id), target?.app].map((each) => ({
      isThrottled: (each?.health.throttledForMs ?? -1) > 0,
      code: each?.health.failure?.code ?? null,
    }));
    expect(all).toEqual([all[0], all[0], all[0]]);
    return all[0];
  };

  // Every combination of rows and columns that one side may lack.
  test.each<[string, (target: AppTarget) => Promise<unknown>, object]>([
    ['of which nothing is known', async () => undefined, { isThrottled: false, code: null }],
    [
      'that is throttled, and was never refused',
      (target) => ground.health.recordThrottle(target, 60_000),
      { isThrottled: true, code: null },
    ],
    [
      'that was refused, and never throttled',
      (target) => ground.health.recordFailure(target, failure),
      { isThrottled: false, code: 'UNAUTHORIZED' },
    ],
    [
      'that was refused without a status',
      (target) => ground.health.recordFailure(target, { code: 'GONE', status: null }),
      { isThrottled: false, code: 'GONE' },
    ],
    [
      'that is both',
      async (target) => {
        await ground.health.recordFailure(target, failure);
        await ground.health.recordThrottle(target, 60_000);
      },
      { isThrottled: true, code: 'UNAUTHORIZED' },
    ],
    [
      'that is throttled, and accepted a request after a refusal',
      async (target) => {
        await ground.health.recordThrottle(target, 60_000);
        await ground.health.recordFailure(target, failure);
        await ground.health.recordRecovery(target);
      },
      { isThrottled: true, code: null },
    ],
    [
      'that was refused, and whose throttle a probe has ended',
      async (target) => {
        await ground.health.recordThrottle(target, 60_000);
        await ground.health.recordFailure(target, failure);
        await ground.health.recordThrottleEnd({ ...target, targetVersion: target.targetVersion + 1 });
        await expect(ground.connectedApps.get(target.id)).resolves.not.toMatchObject({
          health: { throttledForMs: 0 },
        });
        await ground.health.recordThrottleEnd(target);
      },
      { isThrottled: false, code: 'UNAUTHORIZED' },
    ],
    [
      'whose throttle is over',
      async (target) => {
        await ground.health.recordThrottle(target, 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
      { isThrottled: false, code: null },
    ],
  ])('%s is told the same by every reader, with a route and without', async (_, learn, expected) => {
    const app = await created();
    await learn(app.target);
    await expect(healthOf(app)).resolves.toEqual(expected);
    await ground.routes.create(app.stream.routeId, routeDraft({ connectedAppIds: [app.id] }));
    await expect(healthOf(app)).resolves.toEqual(expected);
  });

  test('keeps the longer of two throttles, and the beginning of a series of refusals', async () => {
    const { target, id } = await created();
    await ground.health.recordThrottle(target, 60_000);
    await ground.health.recordThrottle(target, 1000);
    await ground.health.recordFailure(target, failure);
    const { health } = await ground.connectedApps.get(id);
    expect(health.throttledForMs).toBeGreaterThan(50_000);
    await ground.health.recordFailure(target, { code: 'NOT_FOUND', status: 404 });
    expect((await ground.connectedApps.get(id)).health.failure).toEqual({
      code: 'NOT_FOUND',
      status: 404,
      since: health.failure?.since,
    });
  });

  const otherSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  const changes: readonly [string, Partial<ReturnType<typeof appDraft>>, boolean][] = [
    ['another address', { settings: { url: 'https://example.com/other' } }, true],
    ['another secret', { secret: otherSecret }, true],
    ['another provider', { provider: 'slack-webhook' }, true],
    ['another name', { name: 'renamed' }, false],
    ['being disabled', { enabled: false }, false],
    ['another policy', { uncertainPolicy: 'resend-none' }, false],
    ['nothing that is new', {}, false],
  ];
  test.each(changes)('is cleared by what makes it another target: %s', async (_, parts, isOther) => {
    const app = await created();
    await ground.health.recordThrottle(app.target, 60_000);
    await ground.health.recordFailure(app.target, failure);
    const changed = await ground.connectedApps.update(app.id, app.version, { ...app.draft, ...parts });
    expect(changed.targetVersion).toBe(app.target.targetVersion + (isOther ? 1 : 0));
    expect(changed.health.throttledForMs > 0).toBe(!isOther);
    expect(changed.health.failure === null).toBe(isOther);
  });

  test('does not change with the order of the settings, nor with a secret that is kept', async () => {
    const settings = { url: 'https://example.com/hook', format: 'heliograph/v1' };
    const app = await ground.connectedApps.create(nextId('app'), appDraft({ settings }));
    const { secret: _, ...rest } = appDraft({
      settings: Object.fromEntries(Object.entries(settings).toReversed()),
    });
    await expect(ground.connectedApps.update(app.id, 1, rest)).resolves.toMatchObject({
      version: 2,
      targetVersion: 1,
    });
  });

  test.each<[string, (target: AppTarget) => Promise<void>]>([
    ['a throttle', (target) => ground.health.recordThrottle(target, 60_000)],
    ['a refusal', (target) => ground.health.recordFailure(target, failure)],
    ['that it is gone', (target) => ground.health.disable(target)],
  ])('is not written for what an attempt at the old address learned: %s', async (_, learn) => {
    const app = await created();
    await ground.connectedApps.update(app.id, 1, {
      ...app.draft,
      settings: { url: 'https://example.com/new' },
    });
    await learn(app.target);
    const now = await ground.connectedApps.get(app.id);
    expect(now).toMatchObject({ enabled: true, version: 2, health: { throttledForMs: 0, failure: null } });
  });

  test('of the new target stays, whatever an attempt at the old address learns', async () => {
    const app = await created();
    await ground.health.recordFailure(app.target, failure);
    await ground.connectedApps.update(app.id, 1, { ...app.draft, secret: otherSecret });
    const later = { id: app.id, targetVersion: 2 };
    await ground.health.recordThrottle(later, 60_000);
    await expect(healthOf(app)).resolves.toEqual({ isThrottled: true, code: null });
    await ground.health.recordFailure(later, { code: 'NOT_FOUND', status: 404 });
    await ground.health.recordRecovery(app.target);
    await ground.health.recordFailure(app.target, failure);
    await expect(healthOf(app)).resolves.toEqual({ isThrottled: true, code: 'NOT_FOUND' });
    await ground.health.disable(later);
    await expect(ground.connectedApps.get(app.id)).resolves.toMatchObject({
      enabled: false,
      targetVersion: 2,
    });
  });

  test('is not written for an app that was removed', async () => {
    const app = await created();
    await ground.connectedApps.remove(app.id, 1);
    await ground.health.recordThrottle(app.target, 60_000);
    await ground.health.recordFailure(app.target, failure);
    await ground.health.disable(app.target);
    const rows = await ground.postgres.sql`
      select 1 from dispatch.connected_app_health where connected_app_id = ${app.id}`;
    expect(rows).toHaveLength(0);
  });
});
