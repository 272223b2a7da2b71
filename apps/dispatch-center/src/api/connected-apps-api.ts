import { UNCERTAIN_POLICIES, type ConnectedAppStore } from '@heliograph/dispatch-workflows/stores';
import { NotifierError, type ChannelRegistry } from '@heliograph/notifier/channels';
import {
  decodeCursor,
  pageQuery,
  problem,
  requireMatch,
  toPage,
  type Edge,
  type Ids,
} from '@heliograph/service';
import * as v from 'valibot';
import {
  answering,
  connectedAppTag,
  connectedAppView,
  idParams,
  idWithoutHyphens,
  nameInput,
  presentConnectedApp,
} from './present.ts';

const secretInput = v.pipe(v.string(), v.minLength(1), v.maxLength(8192));
const draft = {
  name: nameInput,
  provider: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  settings: v.record(v.string(), v.unknown()),
  enabled: v.optional(v.boolean(), true),
  uncertainPolicy: v.optional(v.picklist(UNCERTAIN_POLICIES), 'resend-pages'),
};
const createInput = v.strictObject({ ...draft, secret: secretInput });
/** Without a secret the stored one stays. */
const replaceInput = v.strictObject({ ...draft, secret: v.optional(secretInput) });
const page = v.object({ items: v.array(connectedAppView), nextCursor: v.nullable(v.string()) });

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
  const tags = ['connected apps'];
  edge.route({
    method: 'GET',
    path: '/api/v1/connected-apps',
    operationId: 'listConnectedApps',
    tags,
    summary: 'List connected apps by id',
    scope: 'connected-apps:read',
    query: v.object({ ...pageQuery() }),
    responses: { 200: { description: 'A page.', schema: page } },
    handler: async ({ query: { limit, cursor } }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idParams.entries.id, cursor);
      const found = await connectedApps.list({ afterId, limit: limit + 1 });
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map(presentConnectedApp), nextCursor } };
    },
  });
  edge.route({
    method: 'POST',
    path: '/api/v1/connected-apps',
    operationId: 'createConnectedApp',
    tags,
    summary: 'Create a connected app; its secret is stored sealed and never shown',
    scope: 'connected-apps:write',
    idempotency: 'optional',
    body: createInput,
    responses: { 201: { description: 'Created.', schema: connectedAppView } },
    handler: async ({ body }) => {
      const settings = checked(channels, body.provider, body.settings, body.secret);
      const app = presentConnectedApp(
        await answering(() => connectedApps.create(idWithoutHyphens(ids), { ...body, settings })),
      );
      return {
        status: 201,
        headers: { location: `/api/v1/connected-apps/${app.id}`, etag: connectedAppTag(app) },
        body: app,
      };
    },
  });
  edge.route({
    method: 'GET',
    path: '/api/v1/connected-apps/:id',
    operationId: 'readConnectedApp',
    tags,
    summary: 'Read a connected app, without its secret',
    scope: 'connected-apps:read',
    params: idParams,
    responses: { 200: { description: 'The connected app.', schema: connectedAppView } },
    handler: async ({ params: { id } }) => {
      const app = await answering(() => connectedApps.get(id));
      return { status: 200, headers: { etag: connectedAppTag(app) }, body: presentConnectedApp(app) };
    },
  });
  edge.route({
    method: 'PUT',
    path: '/api/v1/connected-apps/:id',
    operationId: 'replaceConnectedApp',
    tags,
    summary:
      'Replace a connected app; without a secret the stored one stays; If-Match guards against overwriting',
    scope: 'connected-apps:write',
    params: idParams,
    body: replaceInput,
    responses: { 200: { description: 'Replaced.', schema: connectedAppView } },
    handler: async ({ params: { id }, body, headers }) => {
      const current = await answering(() => connectedApps.get(id));
      requireMatch(headers.get('if-match'), connectedAppTag(current));
      const { secret, ...rest } = body;
      const kept = secret ?? (await answering(() => connectedApps.secretOf(id)));
      const settings = checked(channels, body.provider, body.settings, kept);
      const app = presentConnectedApp(
        await answering(() =>
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
    method: 'DELETE',
    path: '/api/v1/connected-apps/:id',
    operationId: 'removeConnectedApp',
    tags,
    summary: 'Remove a connected app that no route uses',
    scope: 'connected-apps:write',
    params: idParams,
    responses: { 204: { description: 'Removed.' } },
    handler: async ({ params: { id }, headers }) => {
      const current = await answering(() => connectedApps.get(id));
      requireMatch(headers.get('if-match'), connectedAppTag(current));
      await answering(() => connectedApps.remove(id, current.version));
      return { status: 204 };
    },
  });
}

/** Settings as the channel wants them, or a problem that names what is wrong and never quotes the secret. */
function checked(
  channels: Pick<ChannelRegistry, 'check'>,
  provider: string,
  settings: unknown,
  secret: string,
): unknown {
  try {
    return channels.check(provider, settings, secret);
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
