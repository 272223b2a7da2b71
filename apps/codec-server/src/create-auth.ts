import {
  anyOf,
  type Authenticator,
  ConfigError,
  createBearerAuth,
  createJwtAuth,
  type Logger,
} from '@heliograph/service';
import type { ConfigOf } from '@heliograph/worker-app';
import { type codecServerVariables, parseCallers } from './config.ts';

type Config = ConfigOf<typeof codecServerVariables>;

/**
 * Makes what identifies callers: keys of the environment, and tokens of an OpenID Connect issuer. The Temporal UI sends its
 * access token in Authorization and its id token in Authorization-Extras. The access token is what identifies a caller and
 * gives roles. The id token is made for the UI and read only where that is configured: for issuers whose access tokens say
 * nothing, with the UI's client id as audience.
 *
 * @throws {ConfigError} if nobody could be identified, and for half of an issuer.
 */
export function createAuth(
  config: Config,
  logger: Logger,
  others: readonly Authenticator[] = [],
): Authenticator {
  const callers = parseCallers(config.HELIOGRAPH_CODEC_CALLERS?.reveal() ?? '') ?? [];
  const all = [
    ...(callers.length === 0 ? [] : [createBearerAuth(callers)]),
    ...others,
    ...createTokenAuth(config, logger),
  ];
  if (all.length > 0) return anyOf(all);
  throw new ConfigError([
    {
      variable: '',
      detail: 'nobody could call: set HELIOGRAPH_CODEC_CALLERS, or HELIOGRAPH_OIDC_ISSUER, or both',
    },
  ]);
}

function createTokenAuth(config: Config, logger: Logger): readonly Authenticator[] {
  const {
    HELIOGRAPH_OIDC_ISSUER: issuer,
    HELIOGRAPH_OIDC_AUDIENCE: audience,
    HELIOGRAPH_OIDC_JWKS_URL: url,
  } = config;
  if (issuer === undefined && audience === undefined && url === undefined) return [];
  if (issuer === undefined || audience === undefined || url === undefined)
    throw new ConfigError([
      {
        variable: '',
        detail:
          'HELIOGRAPH_OIDC_ISSUER, HELIOGRAPH_OIDC_AUDIENCE and HELIOGRAPH_OIDC_JWKS_URL need each other: set all or none',
      },
    ]);
  const onProblem = (error: unknown): void =>
    logger.warn({ err: error }, 'the keys of the token issuer cannot be fetched');
  try {
    const auth = createJwtAuth({
      issuer,
      audience,
      jwks: { url, onProblem },
      claims: { roles: config.HELIOGRAPH_OIDC_ROLES_CLAIM },
    });
    return [config.HELIOGRAPH_CODEC_TOKEN === 'id' ? fromExtras(auth) : auth];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigError([{ variable: 'HELIOGRAPH_OIDC_JWKS_URL', detail: error.message }]);
  }
}

/** Reads the token where the Temporal UI sends the id token: in Authorization-Extras, without a scheme. */
function fromExtras(auth: Authenticator): Authenticator {
  return {
    scheme: auth.scheme,
    async authenticate(headers) {
      const token = headers.get('authorization-extras');
      if (token === null || token === '') return { kind: 'absent' };
      return auth.authenticate(new Headers({ authorization: `Bearer ${token}` }));
    },
  };
}
