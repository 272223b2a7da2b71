import { DEFAULT_TENANT, roleNameSchema, tenantSchema } from '@heliograph/auth-api';
import { createBatchedReader, withDeadline } from '@heliograph/database';
import {
  principalIdOf,
  systemClock,
  type Authentication,
  type Clock,
  type JwtIdentity,
} from '@heliograph/service';
import * as v from 'valibot';
import { createCachedReader } from '../cached-reader.ts';
import { LOOK_UP_TIMEOUT_MS, MAX_WAITING_LOOK_UPS } from '../look-ups.ts';
import type { MemberStore, Rights, RightsQuery } from './member-store.ts';

/** Options of {@link createMemberIdentifier}. */
export interface MemberIdentifierOptions {
  readonly members: Pick<MemberStore, 'findRights'>;
  /** Whether only members are let in. Default false: the scopes and roles of the token count for others, too. */
  readonly requireMember?: boolean;
  /** How long rights that were read hold: so soon a change takes effect. Default 5,000. */
  readonly cacheMs?: number;
  /** What the remembered rights may take, in bytes, roughly. Default 8 MiB. */
  readonly cacheBytes?: number;
  /** The longest time for a look-up, at most that of the store's own statements. Default 3,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** Decides who the bearers of verified tokens are. */
export interface MemberIdentifier {
  /** For `createJwtAuth`. */
  readonly identify: (identity: JwtIdentity) => Promise<Authentication>;
  /** Forgets what is known of a tenant whose members or roles were changed here, so that the change holds at once. */
  readonly forget: (tenant: string) => void;
}

/**
 * Creates `identify` of `createJwtAuth`: the bearer of a verified token has the scopes and roles of the token and those
 * of the member, in the tenant that the token names, else in `default`. Roles bring the scopes that the tenant gives them.
 * While the database is unavailable the outcome is `unavailable`: without its roles a caller would be somebody else.
 */
export function createMemberIdentifier(options: MemberIdentifierOptions): MemberIdentifier {
  const {
    members,
    requireMember = false,
    cacheMs = 5000,
    cacheBytes = 8_388_608,
    timeoutMs = LOOK_UP_TIMEOUT_MS,
  } = options;
  const { clock = systemClock } = options;
  const keyOf = ({ tenant, issuer, subject, claimed }: RightsQuery): string =>
    keyStartOf(tenant) + JSON.stringify([issuer, subject, claimed]);
  const read = createBatchedReader<RightsQuery, Rights & { readonly query: RightsQuery }>({
    readMany: (queries) => members.findRights(queries),
    keyOf: (either) => keyOf('query' in either ? either.query : either),
    maxWaitMs: timeoutMs,
    maxWaiting: MAX_WAITING_LOOK_UPS,
  });
  const known = createCachedReader<RightsQuery, Rights>({
    keyOf,
    read: async (query) => {
      const found = await withDeadline(timeoutMs, 'read the rights of a subject', () => read(query));
      return found ?? { isMember: false, roles: [] };
    },
    maxAgeMs: cacheMs,
    maxWeight: cacheBytes,
    weigh: (key, rights) => 400 + 2 * (key.length + JSON.stringify(rights).length),
    clock,
  });
  const identify = async (identity: JwtIdentity): Promise<Authentication> => {
    const tenant = identity.tenant ?? DEFAULT_TENANT;
    if (!v.is(tenantSchema, tenant)) return { kind: 'forbidden', reason: 'TENANT_INVALID' };
    const { issuer, subject } = identity;
    // Other names are no roles of ours, and what a database does not take must not look like an outage.
    const claimed = [...identity.roles].filter((name) => v.is(roleNameSchema, name)).toSorted();
    let rights: Rights;
    try {
      rights = await known.get({ tenant, issuer, subject, claimed });
    } catch (cause) {
      return { kind: 'unavailable', cause };
    }
    if (requireMember && !rights.isMember) return { kind: 'forbidden', reason: 'MEMBERSHIP_REQUIRED' };
    return {
      kind: 'authenticated',
      principal: {
        id: principalIdOf({ issuer, subject, tenant }),
        scopes: new Set([...identity.scopes, ...rights.roles.flatMap(({ scopes }) => scopes)]),
        roles: new Set([...identity.roles, ...rights.roles.map(({ name }) => name)]),
        tenant,
      },
    };
  };
  return {
    identify,
    forget: (tenant) => known.forget((key) => key.startsWith(keyStartOf(tenant))),
  };
}

/** A tenant has no blank in its name. */
function keyStartOf(tenant: string): string {
  return `${tenant} `;
}
