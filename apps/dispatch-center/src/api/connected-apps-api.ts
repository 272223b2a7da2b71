import { dispatchOperations, idSchema } from '@heliograph/dispatch-api';
import type { ConnectedAppStore } from '@heliograph/dispatch-workflows/stores';
import { NotifierError, type ChannelRegistry } from '@heliograph/notifier/channels';
import { decodeCursor, problem, requireMatch, toPage, type Edge, type Ids } from '@heliograph/service';
import { translateRefusal, connectedAppTag, nextId, presentConnectedApp } from './present.ts';

/** What the connected apps' API works with. */
export interface ConnectedAppsApiDependencies {
  readonly connectedApps: ConnectedAppStore;
  readonly channels: Pick<ChannelRegistry, 'check'>;
  readonly ids: Ids;
}

/** Connected apps: list, create, read, change, remove. Secrets go in and never come out. */
export function addConnectedAppsApi(
  edge: Edge,
  { connectedApps, channels, ids }: ConnectedAppsApiDependencies,
): void {
  edge.route({
    ...dispatchOperations.listConnectedApps,
    handler: async ({ query: { limit, cursor } }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idSchema, cursor);
      const found = await connectedApps.list({ afterId, limit: limit + 1 });
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentConnectedApp), nextCursor } };
    },
  });
  edge.route({
    ...dispatchOperations.createConnectedApp,
    handler: async ({ body }) => {
      const settings = checkSettings(channels, body.provider, body.settings, body.secret);
      const app = presentConnectedApp(
        await translateRefusal(() => connectedApps.create(nextId(ids), { ...body, settings })),
      );
      return {
        status: 201,
        headers: { location: `/api/v1/connected-apps/${app.id}`, etag: connectedAppTag(app) },
        body: app,
      };
    },
  });
  edge.route({
    ...dispatchOperations.readConnectedApp,
    handler: async ({ params: { id } }) => {
      const app = await translateRefusal(() => connectedApps.get(id));
      return { status: 200, headers: { etag: connectedAppTag(app) }, body: presentConnectedApp(app) };
    },
  });
  edge.route({
    ...dispatchOperations.replaceConnectedApp,
    handler: async ({ params: { id }, body, headers }) => {
      const current = await translateRefusal(() => connectedApps.get(id));
      requireMatch(headers.get('if-match'), connectedAppTag(current));
      const { secret, ...rest } = body;
      const kept = secret ?? (await translateRefusal(() => connectedApps.secretOf(id)));
      const stored = current.provider === body.provider ? current.settings : undefined;
      const settings = checkSettings(channels, body.provider, body.settings, kept, stored);
      const app = presentConnectedApp(
        await translateRefusal(() =>
          connectedApps.update(id, current.version, {
            ...rest,
            settings,
            ...(secret === undefined ? {} : { secret }),
          }),
        ),
      );
      return { status: 200, headers: { etag: connectedAppTag(app) }, body: app };
    },
  });
  edge.route({
    ...dispatchOperations.removeConnectedApp,
    handler: async ({ params: { id }, headers }) => {
      const current = await translateRefusal(() => connectedApps.get(id));
      requireMatch(headers.get('if-match'), connectedAppTag(current));
      await translateRefusal(() => connectedApps.remove(id, current.version));
      return { status: 204 };
    },
  });
}

/** Settings as the channel wants them, with the hidden values of the stored ones, or a problem that names what is wrong and never quotes the secret. */
function checkSettings(
  channels: Pick<ChannelRegistry, 'check'>,
  provider: string,
  settings: unknown,
  secret: string,
  stored?: unknown,
): unknown {
  try {
    return channels.check(provider, settings, secret, stored);
  } catch (error) {
    if (!(error instanceof NotifierError)) throw error;
    const pointer =
      error.code === 'NOTIFIER_PROVIDER_UNKNOWN'
        ? '/provider'
        : error.code === 'NOTIFIER_SECRET_INVALID'
          ? '/secret'
          : '/settings';
    throw problem(422, error.code, error.message, {
      errors:
        error.problems.length === 0
          ? [{ pointer, detail: error.message }]
          : error.problems.map(({ path, message }) => ({
              pointer: `/settings/${path.replaceAll('.', '/')}`,
              detail: message,
            })),
    });
  }
}
