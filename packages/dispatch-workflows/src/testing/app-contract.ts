import { describe, expect, test } from '@jest/globals';
import type { AppHealthStore, AppTarget } from '../apps/app-health-store.ts';
import type { ConnectedAppStore } from '../apps/connected-app-store.ts';
import type { RouteStore } from '../routing/route-store.ts';
import { appDraft, nextId, routeDraft, WEBHOOK_SECRET } from './store-drafts.ts';

/** What every store of connected apps and of their health promises; `age` lets time pass. */
export function describeApps(
  given: () => {
    readonly connectedApps: ConnectedAppStore;
    readonly health: AppHealthStore;
    readonly routes: RouteStore;
    readonly age: (ms: number) => Promise<void>;
  },
): void {
  describe('a connected app of any store', () => {
    test('keeps its secret through an update without one, and counts its versions', async () => {
      const id = nextId('app');
      const created = await given().connectedApps.create(id, appDraft());
      expect(created.version).toBe(1);
      const { secret: _, ...rest } = appDraft({ name: created.name, enabled: false });
      await expect(given().connectedApps.update(id, 1, rest)).resolves.toMatchObject({
        version: 2,
        enabled: false,
      });
      await expect(given().connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
      const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
      await given().connectedApps.update(id, 2, { ...rest, secret: other });
      await expect(given().connectedApps.secretOf(id)).resolves.toBe(other);
    });

    test.each<[string, (id: string) => Promise<unknown>, string]>([
      [
        'an update at an old version',
        (id) => given().connectedApps.update(id, 7, appDraft()),
        'DISPATCH_CONNECTED_APP_CHANGED',
      ],
      [
        'a removal at an old version',
        (id) => given().connectedApps.remove(id, 7),
        'DISPATCH_CONNECTED_APP_CHANGED',
      ],
      [
        'a reading of one that is not there',
        () => given().connectedApps.get('nobody'),
        'DISPATCH_CONNECTED_APP_NOT_FOUND',
      ],
      [
        'an update of one that is not there',
        () => given().connectedApps.update('nobody', 1, appDraft()),
        'DISPATCH_CONNECTED_APP_NOT_FOUND',
      ],
      [
        'a removal of one that is not there',
        () => given().connectedApps.remove('nobody', 1),
        'DISPATCH_CONNECTED_APP_NOT_FOUND',
      ],
    ])('refuses %s', async (_, run, code) => {
      const id = nextId('app');
      await given().connectedApps.create(id, appDraft());
      await expect(run(id)).rejects.toMatchObject({ name: 'DispatchError', code, retryable: false });
    });

    test('has a name of its own, also after an update', async () => {
      const [first, second] = [nextId('app'), nextId('app')];
      const { name } = await given().connectedApps.create(first, appDraft());
      await given().connectedApps.create(second, appDraft());
      const taken = { code: 'DISPATCH_NAME_TAKEN' };
      await expect(given().connectedApps.create(nextId('app'), appDraft({ name }))).rejects.toMatchObject(
        taken,
      );
      await expect(given().connectedApps.update(second, 1, appDraft({ name }))).rejects.toMatchObject(taken);
    });

    test('of two updates at once one wins', async () => {
      const id = nextId('app');
      await given().connectedApps.create(id, appDraft());
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => given().connectedApps.update(id, 1, appDraft())),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await expect(given().connectedApps.get(id)).resolves.toMatchObject({ version: 2 });
    });

    test('that a route uses cannot be removed; afterwards it can', async () => {
      const [app, route] = [nextId('app'), nextId('route')];
      await given().connectedApps.create(app, appDraft());
      await given().routes.create(route, routeDraft({ connectedAppIds: [app] }));
      await expect(given().connectedApps.remove(app, 1)).rejects.toMatchObject({
        code: 'DISPATCH_CONNECTED_APP_IN_USE',
      });
      await given().routes.remove(route, 1);
      await given().connectedApps.remove(app, 1);
      await expect(given().connectedApps.get(app)).rejects.toMatchObject({
        code: 'DISPATCH_CONNECTED_APP_NOT_FOUND',
      });
    });

    test('is listed by id, page after page', async () => {
      const ids = ['listed1', 'listed2', 'listed3', 'listed4', 'listed5'];
      for (const id of ids.toReversed()) await given().connectedApps.create(id, appDraft());
      const seen: string[] = [];
      for (let afterId = 'listed'; ; afterId = seen.at(-1) ?? afterId) {
        const page = await given().connectedApps.list({ afterId, limit: 2 });
        seen.push(...page.map(({ id }) => id).filter((id) => id.startsWith('listed')));
        if (page.length < 2 || !page.every(({ id }) => id.startsWith('listed'))) break;
      }
      expect(seen).toEqual(ids);
    });

    test('is a delivery target with its secret and the name of the route, while it is switched on', async () => {
      const [app, route] = [nextId('app'), nextId('route')];
      const stream = { routeId: route, connectedAppId: app };
      const draft = appDraft();
      await given().connectedApps.create(app, draft);
      await expect(given().connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
        secret: WEBHOOK_SECRET,
        routeName: null,
      });
      const { name } = await given().routes.create(route, routeDraft({ connectedAppIds: [app] }));
      await expect(given().connectedApps.deliveryTarget(stream)).resolves.toMatchObject({
        routeName: name,
        app: { id: app, settings: draft.settings },
      });
      await given().connectedApps.update(app, 1, { ...draft, enabled: false });
      await expect(given().connectedApps.deliveryTarget(stream)).resolves.toBeNull();
    });
  });

  describe('the health of a connected app', () => {
    const failure = { code: 'UNAUTHORIZED', status: 401 };
    const created = async () => {
      const [app, route] = [nextId('app'), nextId('route')];
      const draft = appDraft();
      const { id, version, targetVersion } = await given().connectedApps.create(app, draft);
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
        given().connectedApps.get(id),
        given().connectedApps.list({ afterId: null, limit: 1000 }),
        given().connectedApps.deliveryTarget(stream),
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
        (target) => given().health.recordThrottle(target, 60_000),
        { isThrottled: true, code: null },
      ],
      [
        'that was refused, and never throttled',
        (target) => given().health.recordFailure(target, failure),
        { isThrottled: false, code: 'UNAUTHORIZED' },
      ],
      [
        'that was refused without a status',
        (target) => given().health.recordFailure(target, { code: 'GONE', status: null }),
        { isThrottled: false, code: 'GONE' },
      ],
      [
        'that is both',
        async (target) => {
          await given().health.recordFailure(target, failure);
          await given().health.recordThrottle(target, 60_000);
        },
        { isThrottled: true, code: 'UNAUTHORIZED' },
      ],
      [
        'that is throttled, and accepted a request after a refusal',
        async (target) => {
          await given().health.recordThrottle(target, 60_000);
          await given().health.recordFailure(target, failure);
          await given().health.recordRecovery(target);
        },
        { isThrottled: true, code: null },
      ],
      [
        'that was refused, and whose throttle a probe has ended',
        async (target) => {
          await given().health.recordThrottle(target, 60_000);
          await given().health.recordFailure(target, failure);
          const { throttledUntil = 0 } = (await given().connectedApps.get(target.id)).health;
          const later = { ...target, targetVersion: target.targetVersion + 1 };
          await given().health.recordThrottleEnd(later, throttledUntil);
          await expect(given().connectedApps.get(target.id)).resolves.not.toMatchObject({
            health: { throttledForMs: 0 },
          });
          await given().health.recordThrottleEnd(target, throttledUntil);
        },
        { isThrottled: false, code: 'UNAUTHORIZED' },
      ],
      [
        'whose throttle is newer than the one that a probe has ended',
        async (target) => {
          await given().health.recordThrottle(target, 1000);
          const { throttledUntil = 0 } = (await given().connectedApps.get(target.id)).health;
          await given().health.recordThrottle(target, 60_000);
          await given().health.recordThrottleEnd(target, throttledUntil);
        },
        { isThrottled: true, code: null },
      ],
      [
        'whose throttle is over',
        async (target) => {
          await given().health.recordThrottle(target, 1);
          await given().age(20);
        },
        { isThrottled: false, code: null },
      ],
    ])('%s is told the same by every reader, with a route and without', async (_, learn, expected) => {
      const app = await created();
      await learn(app.target);
      await expect(healthOf(app)).resolves.toEqual(expected);
      await given().routes.create(app.stream.routeId, routeDraft({ connectedAppIds: [app.id] }));
      await expect(healthOf(app)).resolves.toEqual(expected);
    });

    test('keeps the longer of two throttles, and the beginning of a series of refusals', async () => {
      const { target, id } = await created();
      await given().health.recordThrottle(target, 60_000);
      await given().health.recordThrottle(target, 1000);
      await given().health.recordFailure(target, failure);
      const { health } = await given().connectedApps.get(id);
      expect(health.throttledForMs).toBeGreaterThan(50_000);
      await given().health.recordFailure(target, { code: 'NOT_FOUND', status: 404 });
      expect((await given().connectedApps.get(id)).health.failure).toEqual({
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
      await given().health.recordThrottle(app.target, 60_000);
      await given().health.recordFailure(app.target, failure);
      const changed = await given().connectedApps.update(app.id, app.version, { ...app.draft, ...parts });
      expect(changed.targetVersion).toBe(app.target.targetVersion + (isOther ? 1 : 0));
      expect(changed.health.throttledForMs > 0).toBe(!isOther);
      expect(changed.health.failure === null).toBe(isOther);
    });

    test('does not change with the order of the settings, nor with a secret that is kept', async () => {
      const settings = { url: 'https://example.com/hook', format: 'heliograph/v1' };
      const app = await given().connectedApps.create(nextId('app'), appDraft({ settings }));
      const { secret: _, ...rest } = appDraft({
        settings: Object.fromEntries(Object.entries(settings).toReversed()),
      });
      await expect(given().connectedApps.update(app.id, 1, rest)).resolves.toMatchObject({
        version: 2,
        targetVersion: 1,
      });
    });

    test.each<[string, (target: AppTarget) => Promise<void>]>([
      ['a throttle', (target) => given().health.recordThrottle(target, 60_000)],
      ['a refusal', (target) => given().health.recordFailure(target, failure)],
      ['that it is gone', (target) => given().health.disable(target)],
    ])('is not written for what an attempt at the old address learned: %s', async (_, learn) => {
      const app = await created();
      await given().connectedApps.update(app.id, 1, {
        ...app.draft,
        settings: { url: 'https://example.com/new' },
      });
      await learn(app.target);
      const now = await given().connectedApps.get(app.id);
      expect(now).toMatchObject({ enabled: true, version: 2, health: { throttledForMs: 0, failure: null } });
    });

    test('of the new target stays, whatever an attempt at the old address learns', async () => {
      const app = await created();
      await given().health.recordFailure(app.target, failure);
      await given().connectedApps.update(app.id, 1, { ...app.draft, secret: otherSecret });
      const later = { id: app.id, targetVersion: 2 };
      await given().health.recordThrottle(later, 60_000);
      await expect(healthOf(app)).resolves.toEqual({ isThrottled: true, code: null });
      await given().health.recordFailure(later, { code: 'NOT_FOUND', status: 404 });
      await given().health.recordRecovery(app.target);
      await given().health.recordFailure(app.target, failure);
      await expect(healthOf(app)).resolves.toEqual({ isThrottled: true, code: 'NOT_FOUND' });
      await given().health.disable(later);
      await expect(given().connectedApps.get(app.id)).resolves.toMatchObject({
        enabled: false,
        targetVersion: 2,
      });
    });

    test('says why the app was disabled, also if nothing else could be recorded', async () => {
      const app = await created();
      await given().health.disable(app.target);
      await expect(given().connectedApps.get(app.id)).resolves.toMatchObject({
        enabled: false,
        version: 2,
        targetVersion: 1,
        health: { failure: { code: 'GONE', status: 410 } },
      });
      await given().health.disable(app.target);
      await expect(given().connectedApps.get(app.id)).resolves.toMatchObject({ version: 2 });
    });

    test('is not written for an app that was removed', async () => {
      const app = await created();
      await given().connectedApps.remove(app.id, 1);
      await given().health.recordThrottle(app.target, 60_000);
      await given().health.recordFailure(app.target, failure);
      await given().health.disable(app.target);
      await given().connectedApps.create(app.id, app.draft);
      await expect(healthOf(app)).resolves.toEqual({ isThrottled: false, code: null });
    });
  });
}
