import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dispatchStores, WEBHOOK_SECRET } from '../testing/dispatch-ground.ts';
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
