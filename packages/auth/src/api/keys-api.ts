import { authOperations, idSchema, type KeyView } from '@heliograph/auth-api';
import { decodeCursor, etagOf, toPage, type Edge, type Ids, type RouteInput } from '@heliograph/service';
import { AuthError } from '../errors.ts';
import { requireGrantable, requireLifeWithin, tenantFor } from '../grants.ts';
import { makeKey } from '../keys/key-format.ts';
import type { ApiKey, KeyStore } from '../keys/key-store.ts';
import { nextId, toIso, translateRefusal } from './translate-refusal.ts';

/** What the API of keys works with. */
export interface KeysApiDependencies {
  readonly keys: KeyStore;
  readonly ids: Ids;
  /** Hears of a key that was revoked here. */
  readonly onRevoked: (prefix: string) => void;
}

/** Keys: list, create, read, revoke. A key is in no answer but the one that created it. */
export function addKeysApi(edge: Edge, { keys, ids, onRevoked }: KeysApiDependencies): void {
  const within = ({ principal }: Pick<RouteInput<unknown, unknown, unknown>, 'principal'>) =>
    principal.tenant ?? null;
  edge.route({
    ...authOperations.listKeys,
    handler: async ({ query: { limit, cursor, tenant, createdBy }, principal, clock }) => {
      const afterId = cursor === undefined ? null : decodeCursor(idSchema, cursor);
      const found = await translateRefusal(() =>
        keys.list({ within: tenantFor(principal, tenant), createdBy, afterId, limit: limit + 1 }),
      );
      const { items, nextCursor } = toPage(found, limit, ({ id }) => id);
      return { status: 200, body: { items: items.map((key) => presentKey(key, clock.now())), nextCursor } };
    },
  });
  edge.route({
    ...authOperations.createKey,
    handler: async ({ body, principal, clock }) => {
      const { key, prefix, digest } = makeKey();
      const created = await translateRefusal(() => {
        const tenant = tenantFor(principal, body.tenant);
        requireGrantable(principal, body);
        const expiresAt = body.expiresAt === null ? null : Date.parse(body.expiresAt);
        if (expiresAt !== null && expiresAt <= clock.now())
          throw new AuthError(
            'AUTH_EXPIRY_PAST',
            `the key would have expired already, at ${toIso(expiresAt)}`,
          );
        requireLifeWithin(principal, expiresAt);
        return keys.create({
          id: nextId(ids),
          tenant,
          name: body.name,
          prefix,
          digest,
          scopes: [...new Set(body.scopes)],
          roles: [...new Set(body.roles)],
          createdBy: principal.id,
          expiresAt,
        });
      });
      const shown = presentKey(created, clock.now());
      return {
        status: 201,
        headers: { location: `/api/v1/auth/keys/${created.id}`, etag: etagOf(shown) },
        body: { ...shown, key },
      };
    },
  });
  edge.route({
    ...authOperations.readKey,
    handler: async ({ params: { id }, clock, ...input }) => ({
      status: 200,
      body: presentKey(await translateRefusal(() => keys.get(id, within(input))), clock.now()),
    }),
  });
  edge.route({
    ...authOperations.revokeKey,
    handler: async ({ params: { id }, ...input }) => {
      const { prefix } = await translateRefusal(() => keys.revoke(id, within(input)));
      onRevoked(prefix);
      return { status: 204 };
    },
  });
}

function presentKey(key: ApiKey, now: number): KeyView {
  const { id, name, prefix, tenant, createdBy, expiresAt, revokedAt, lastUsedAt } = key;
  const isExpired = expiresAt !== null && expiresAt <= now;
  return {
    id,
    name,
    prefix,
    tenant,
    scopes: [...key.scopes],
    roles: [...key.roles],
    state: revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    createdBy,
    createdAt: toIso(key.createdAt),
    expiresAt: expiresAt === null ? null : toIso(expiresAt),
    revokedAt: revokedAt === null ? null : toIso(revokedAt),
    lastUsedAt: lastUsedAt === null ? null : toIso(lastUsedAt),
  };
}
