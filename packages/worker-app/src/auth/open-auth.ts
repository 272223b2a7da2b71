import {
  createAuthStores,
  createKeyAuth,
  createLastUsed,
  createMemberIdentifier,
  limitToTenant,
  startCleanUp,
  type MemberIdentifier,
} from '@heliograph/auth';
import { addAuthApi } from '@heliograph/auth/api';
import { DEFAULT_TENANT } from '@heliograph/auth-api';
import type { Postgres } from '@heliograph/database';
import {
  anyOf,
  ConfigError,
  createBearerAuth,
  createJwtAuth,
  type Authenticator,
  type BearerKey,
  type Edge,
  type Logger,
  type ServicePart,
  type Telemetry,
} from '@heliograph/service';
import type { authVariables, ConfigOf } from '../variables.ts';
import { createCleanUpMetrics } from './clean-up-metrics.ts';

/** What authentication needs of its app, which has `authVariables` among its own and has run `migrateAuth`. */
export interface AuthApp {
  readonly config: ConfigOf<typeof authVariables>;
  readonly postgres: Postgres;
  readonly logger: Logger;
  readonly telemetry: Pick<Telemetry, 'meter'>;
  readonly register: (part: ServicePart) => void;
}

/** Who may call, and how this process cleans up. */
export interface AuthOptions {
  /** Keys of the environment. */
  readonly keys: readonly BearerKey[];
  /** How often expired keys, logins and nonces are removed, in milliseconds. Default 600,000, the first time after a tenth of it. */
  readonly cleanUpIntervalMs?: number;
}

/** Authentication of an app. */
export interface AppAuth {
  /** For `createEdge`. */
  readonly authenticator: Authenticator;
  /** Adds the operations of `auth-api`; the edge needs an idempotency store. */
  mount(edge: Edge): void;
}

/**
 * Accepts keys of the environment (`keys`), which need no database, stored keys, and, if the variables name an issuer, its
 * tokens; in this order. The app has the data of the tenant `default`: callers of another tenant may do nothing. Records when
 * stored keys were used, and removes what has expired, until the app stops.
 *
 * @throws {ConfigError} for variables that cannot be used together
 */
export function openAuth(app: AuthApp, { keys, cleanUpIntervalMs }: AuthOptions): AppAuth {
  const { logger, postgres, register } = app;
  const stores = createAuthStores(postgres);
  register({ name: 'auth-look-ups', stop: () => stores.close() });
  const identifier = createMemberIdentifier({
    members: stores.members,
    requireMember: app.config.HELIOGRAPH_OIDC_MEMBERS_ONLY,
  });
  const jwtAuth = openJwtAuth(app, identifier);
  const lastUsed = createLastUsed({
    keys: stores.keys,
    onProblem: (error) => logger.warn({ err: error }, 'could not record when keys were used; trying again'),
  });
  register({ name: 'auth-last-used', stop: () => lastUsed.stop() });
  const metrics = createCleanUpMetrics(app.telemetry.meter);
  const cleanUp = startCleanUp(postgres, {
    ...(cleanUpIntervalMs === undefined ? {} : { intervalMs: cleanUpIntervalMs }),
    onCleaned: (removed) => {
      metrics.ended('cleaned');
      metrics.removed(removed);
      logger.debug({ removed }, 'cleaned up what has expired');
    },
    onBusy: () => metrics.ended('busy'),
    onProblem: (error) => {
      metrics.ended('failed');
      logger.warn({ err: error }, 'could not remove expired keys, logins and nonces; trying again');
    },
  });
  register({ name: 'auth-clean-up', stop: () => cleanUp.stop() });
  const keyAuth = createKeyAuth({ keys: stores.keys, onUsed: (use) => lastUsed.record(use) });
  return {
    authenticator: limitToTenant(
      anyOf([createBearerAuth(keys), keyAuth, ...(jwtAuth === null ? [] : [jwtAuth])]),
      DEFAULT_TENANT,
    ),
    mount: (edge) =>
      addAuthApi(edge, {
        ...stores,
        onRevoked: (prefix) => keyAuth.forget(prefix),
        onChanged: (tenant) => identifier.forget(tenant),
      }),
  };
}

const ISSUER = 'HELIOGRAPH_OIDC_ISSUER';
const AUDIENCE = 'HELIOGRAPH_OIDC_AUDIENCE';
const JWKS_URL = 'HELIOGRAPH_OIDC_JWKS_URL';

function openJwtAuth({ config, logger }: AuthApp, { identify }: MemberIdentifier): Authenticator | null {
  const { [ISSUER]: issuer, [AUDIENCE]: audience, [JWKS_URL]: jwksUrl } = config;
  if (issuer === undefined && audience.length === 0 && jwksUrl === undefined) return null;
  if (issuer === undefined || audience.length === 0) {
    const detail = `tokens need ${ISSUER} and ${AUDIENCE}, and may have ${JWKS_URL}: set both, or none of them`;
    throw new ConfigError([{ variable: '', detail }]);
  }
  const typ = config.HELIOGRAPH_OIDC_TOKEN_TYPE;
  try {
    return createJwtAuth({
      issuer,
      audience,
      jwks: {
        ...(jwksUrl === undefined ? {} : { url: jwksUrl }),
        onProblem: (error) => logger.error({ err: error }, 'the keys of the token issuer cannot be fetched'),
      },
      algorithms: config.HELIOGRAPH_OIDC_ALGORITHMS,
      clockToleranceMs: config.HELIOGRAPH_OIDC_CLOCK_TOLERANCE_MS,
      claims: {
        scopes: config.HELIOGRAPH_OIDC_SCOPES_CLAIM,
        roles: config.HELIOGRAPH_OIDC_ROLES_CLAIM,
        tenant: config.HELIOGRAPH_OIDC_TENANT_CLAIM,
      },
      identify,
      ...(typ === undefined ? {} : { typ }),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ variable: 'HELIOGRAPH_OIDC_*', detail: error.message }]);
  }
}
