import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { appDraft, nextId, routeDraft } from '../testing/store-drafts.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('routes');
});
afterAll(() => ground.close());

describe('a route', () => {
  test('names apps that exist, each once', async () => {
    const [app, route] = [nextId('app'), nextId('route')];
    await ground.connectedApps.create(app, appDraft());
    const missing = { code: 'DISPATCH_CONNECTED_APP_NOT_FOUND' };
    await expect(
      ground.routes.create(route, routeDraft({ connectedAppIds: [app, 'nobody'] })),
    ).rejects.toMatchObject(missing);
    await expect(ground.routes.get(route)).rejects.toMatchObject({ code: 'DISPATCH_ROUTE_NOT_FOUND' });
    const draft = routeDraft({ connectedAppIds: [app, app] });
    await expect(ground.routes.create(route, draft)).resolves.toMatchObject({ connectedAppIds: [app] });
    await expect(
      ground.routes.update(route, 1, routeDraft({ connectedAppIds: ['nobody'] })),
    ).rejects.toMatchObject(missing);
    await expect(ground.routes.get(route)).resolves.toMatchObject({ version: 1, connectedAppIds: [app] });
    await expect(
      ground.routes.update(route, 1, { ...draft, connectedAppIds: [], query: '' }),
    ).resolves.toMatchObject({ version: 2, connectedAppIds: [], query: '' });
  });

  test.each<[string, (id: string) => Promise<unknown>, string]>([
    [
      'an update at an old version',
      (id) => ground.routes.update(id, 7, routeDraft()),
      'DISPATCH_ROUTE_CHANGED',
    ],
    ['a removal at an old version', (id) => ground.routes.remove(id, 7), 'DISPATCH_ROUTE_CHANGED'],
    ['a reading of one that is not there', () => ground.routes.get('nobody'), 'DISPATCH_ROUTE_NOT_FOUND'],
    [
      'an update of one that is not there',
      () => ground.routes.update('nobody', 1, routeDraft()),
      'DISPATCH_ROUTE_NOT_FOUND',
    ],
    [
      'a removal of one that is not there',
      () => ground.routes.remove('nobody', 1),
      'DISPATCH_ROUTE_NOT_FOUND',
    ],
  ])('refuses %s', async (_, run, code) => {
    const id = nextId('route');
    await ground.routes.create(id, routeDraft());
    await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code });
  });

  test('has a name of its own', async () => {
    const { name } = await ground.routes.create(nextId('route'), routeDraft());
    await expect(ground.routes.create(nextId('route'), routeDraft({ name }))).rejects.toMatchObject({
      code: 'DISPATCH_NAME_TAKEN',
    });
  });

  test('is active while it is switched on, with those of its apps that are', async () => {
    const [on, off, route, disabled] = [nextId('app'), nextId('app'), nextId('route'), nextId('route')];
    await ground.connectedApps.create(on, appDraft());
    await ground.connectedApps.create(off, appDraft({ enabled: false }));
    await ground.routes.create(route, routeDraft({ connectedAppIds: [on, off] }));
    await ground.routes.create(disabled, routeDraft({ connectedAppIds: [on], enabled: false }));
    const { routes: active } = await ground.routes.listActive();
    expect(active.find(({ id }) => id === route)?.connectedAppIds).toEqual([on]);
    expect(active.some(({ id }) => id === disabled)).toBe(false);
    await expect(ground.routes.get(route)).resolves.toMatchObject({ connectedAppIds: [on, off] });
  });

  test('is listed by id with its apps', async () => {
    const app = nextId('app');
    await ground.connectedApps.create(app, appDraft());
    for (const id of ['zz2', 'zz1']) await ground.routes.create(id, routeDraft({ connectedAppIds: [app] }));
    const listed = await ground.routes.list({ afterId: 'zz', limit: 5 });
    expect(listed.map(({ id, connectedAppIds }) => [id, connectedAppIds])).toEqual([
      ['zz1', [app]],
      ['zz2', [app]],
    ]);
    await expect(ground.routes.list({ afterId: null, limit: 1 })).resolves.toHaveLength(1);
  });
});
