import { describe, expect, test } from '@jest/globals';
import type { ConnectedAppStore } from '../apps/connected-app-store.ts';
import type { RouteStore } from '../routing/route-store.ts';
import { appDraft, nextId, routeDraft } from './store-drafts.ts';

/** What every store of routes promises, with the store of the connected apps that they name. */
export function describeRoutes(
  given: () => { readonly routes: RouteStore; readonly connectedApps: ConnectedAppStore },
): void {
  describe('a route', () => {
    test('names apps that exist, each once', async () => {
      const [app, route] = [nextId('app'), nextId('route')];
      await given().connectedApps.create(app, appDraft());
      const missing = { code: 'DISPATCH_CONNECTED_APP_NOT_FOUND' };
      await expect(
        given().routes.create(route, routeDraft({ connectedAppIds: [app, 'nobody'] })),
      ).rejects.toMatchObject(missing);
      await expect(given().routes.get(route)).rejects.toMatchObject({ code: 'DISPATCH_ROUTE_NOT_FOUND' });
      const draft = routeDraft({ connectedAppIds: [app, app] });
      await expect(given().routes.create(route, draft)).resolves.toMatchObject({ connectedAppIds: [app] });
      await expect(
        given().routes.update(route, 1, routeDraft({ connectedAppIds: ['nobody'] })),
      ).rejects.toMatchObject(missing);
      await expect(given().routes.get(route)).resolves.toMatchObject({ version: 1, connectedAppIds: [app] });
      await expect(
        given().routes.update(route, 1, { ...draft, connectedAppIds: [], query: '' }),
      ).resolves.toMatchObject({ version: 2, connectedAppIds: [], query: '' });
    });

    test.each<[string, (id: string) => Promise<unknown>, string]>([
      [
        'an update at an old version',
        (id) => given().routes.update(id, 7, routeDraft()),
        'DISPATCH_ROUTE_CHANGED',
      ],
      ['a removal at an old version', (id) => given().routes.remove(id, 7), 'DISPATCH_ROUTE_CHANGED'],
      ['a reading of one that is not there', () => given().routes.get('nobody'), 'DISPATCH_ROUTE_NOT_FOUND'],
      [
        'an update of one that is not there',
        () => given().routes.update('nobody', 1, routeDraft()),
        'DISPATCH_ROUTE_NOT_FOUND',
      ],
      [
        'a removal of one that is not there',
        () => given().routes.remove('nobody', 1),
        'DISPATCH_ROUTE_NOT_FOUND',
      ],
    ])('refuses %s', async (_, run, code) => {
      const id = nextId('route');
      await given().routes.create(id, routeDraft());
      await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code });
    });

    test('has a name of its own', async () => {
      const { name } = await given().routes.create(nextId('route'), routeDraft());
      await expect(given().routes.create(nextId('route'), routeDraft({ name }))).rejects.toMatchObject({
        code: 'DISPATCH_NAME_TAKEN',
      });
    });

    test('is active while it is switched on, with those of its apps that are', async () => {
      const [on, off, route, disabled] = [nextId('app'), nextId('app'), nextId('route'), nextId('route')];
      await given().connectedApps.create(on, appDraft());
      await given().connectedApps.create(off, appDraft({ enabled: false }));
      await given().routes.create(route, routeDraft({ connectedAppIds: [on, off] }));
      await given().routes.create(disabled, routeDraft({ connectedAppIds: [on], enabled: false }));
      const { routes: active } = await given().routes.listActive();
      expect(active.find(({ id }) => id === route)?.connectedAppIds).toEqual([on]);
      expect(active.some(({ id }) => id === disabled)).toBe(false);
      await expect(given().routes.get(route)).resolves.toMatchObject({ connectedAppIds: [on, off] });
    });

    test('is listed by id with its apps', async () => {
      const app = nextId('app');
      await given().connectedApps.create(app, appDraft());
      for (const id of ['zz2', 'zz1'])
        await given().routes.create(id, routeDraft({ connectedAppIds: [app] }));
      const listed = await given().routes.list({ afterId: 'zz', limit: 5 });
      expect(listed.map(({ id, connectedAppIds }) => [id, connectedAppIds])).toEqual([
        ['zz1', [app]],
        ['zz2', [app]],
      ]);
      await expect(given().routes.list({ afterId: null, limit: 1 })).resolves.toHaveLength(1);
    });
  });
}
