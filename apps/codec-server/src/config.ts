import {
  type BearerKey,
  choice,
  ConfigError,
  durationMs,
  flag,
  integer,
  list,
  secret,
  text,
} from '@heliograph/service';
import { authVariables } from '@heliograph/worker-app';

const MEBIBYTE = 1_048_576;

/** Variables of the codec server, besides those that all apps share. */
export const codecServerVariables = {
  ...authVariables,
  /** Who may do what; YAML or JSON, read again when it changes. */
  HELIOGRAPH_CODEC_POLICY_FILE: text(),
  /** The namespace that keys of AWS KMS or Vault are bound to; keys of our own are for every namespace. */
  HELIOGRAPH_CODEC_NAMESPACE: text({
    default: 'heliograph',
    pattern: /^[\w.-]{1,255}$/,
    expects: 'a namespace',
  }),
  /** What `/encode` encrypts for where a request names no domain; default the only domain of the key ring. */
  HELIOGRAPH_CODEC_DOMAIN: text({ optional: true, pattern: /^[a-z0-9-]{1,32}$/, expects: 'a domain' }),
  /** Keys of callers, beside stored ones and tokens: `id:secret:role+role`. */
  HELIOGRAPH_CODEC_CALLERS: secret({
    optional: true,
    accepts: (value) => parseCallers(value) !== null,
    expects: 'id:secret:role+role, further ones after commas; secrets of 16 characters or more',
  }),
  /** Which token says who calls: the access token in Authorization, or the id token in Authorization-Extras. */
  HELIOGRAPH_CODEC_TOKEN: choice(['access', 'id'], { default: 'access' }),
  /** Origins of the pages that may call, such as the Temporal UI's. */
  HELIOGRAPH_CODEC_ORIGINS: list({ default: [] }),
  HELIOGRAPH_CODEC_ALLOW_CREDENTIALS: flag({ default: false }),
  /** Serve http on other addresses than loopback: where TLS ends in front of this process. */
  HELIOGRAPH_CODEC_PLAIN_HTTP: flag({ default: false }),
  HELIOGRAPH_CODEC_BODY_LIMIT_BYTES: integer({ min: 1024, max: 64 * MEBIBYTE, default: 16 * MEBIBYTE }),
  HELIOGRAPH_CODEC_MAX_PAYLOADS: integer({ min: 1, max: 100_000, default: 10_000 }),
  HELIOGRAPH_CODEC_MAX_PAYLOAD_BYTES: integer({ min: 1024, max: 256 * MEBIBYTE, default: 16 * MEBIBYTE }),
  HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES: integer({ min: 1024, max: 256 * MEBIBYTE, default: 32 * MEBIBYTE }),
  /** What all requests together may hold in memory, as bodies, payloads and answers; one caller at most half of it. */
  HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT: integer({
    min: 2 * MEBIBYTE,
    max: 8192 * MEBIBYTE,
    default: 512 * MEBIBYTE,
  }),
  HELIOGRAPH_CODEC_MAX_REFERENCES: integer({ min: 1, max: 10_000, default: 256 }),
  HELIOGRAPH_CODEC_REQUESTS_PER_MINUTE: integer({ min: 1, max: 1_000_000, default: 6000 }),
  HELIOGRAPH_CODEC_AUDIT_READS_PER_MINUTE: integer({ min: 1, max: 1_000_000, default: 6000 }),
  /** How often the policy file is read. */
  HELIOGRAPH_CODEC_POLICY_INTERVAL_MS: durationMs({ min: 100, default: 5000 }),
};

/** Variables of the role `maintenance`, besides those that all apps share. */
export const maintenanceVariables = {
  /** How often stored payloads are collected; several times within the retention of the namespace. */
  HELIOGRAPH_CODEC_COLLECT_EVERY_MS: durationMs({ min: 60_000, max: 86_400_000, default: 3_600_000 }),
  /** How often keys are rotated and their use is counted. */
  HELIOGRAPH_CODEC_ROTATE_EVERY_MS: durationMs({ min: 60_000, max: 30 * 86_400_000, default: 86_400_000 }),
};

/**
 * Checks that the largest request that the limits allow fits into the share of one caller: a body that is sent, inflated and
 * parsed, and payloads as they were fetched, as bytes and as the texts of an answer.
 *
 * @throws {ConfigError} where it would be refused whenever it comes.
 */
export function checkBytesInFlight(config: {
  readonly HELIOGRAPH_CODEC_BODY_LIMIT_BYTES: number;
  readonly HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES: number;
  readonly HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT: number;
}): number {
  const bytes = config.HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT;
  const least =
    2 * (3 * config.HELIOGRAPH_CODEC_BODY_LIMIT_BYTES + 6 * config.HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES);
  if (bytes >= least) return bytes;
  const detail = `expected at least ${least}: twice what the largest request takes, by HELIOGRAPH_CODEC_BODY_LIMIT_BYTES and HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES`;
  throw new ConfigError([{ variable: 'HELIOGRAPH_CODEC_MAX_BYTES_IN_FLIGHT', detail }]);
}

/** What an Authorization header can carry. */
const BEARER_SECRET = /^[\w.~+/=-]{16,1024}$/;

/**
 * Reads `id:secret:grant+grant,…`; null if it is malformed, also if two keys have one id or one secret. A grant with a
 * colon is a scope (`audit:read`), any other one a role.
 */
export function parseCallers(value: string): readonly (BearerKey & { readonly secret: string })[] | null {
  const keys: { id: string; secret: string; scopes: string[]; roles: string[] }[] = [];
  for (const part of value.split(',')) {
    const [id = '', key = '', ...rest] = part.trim().split(':');
    const grants = rest.join(':').split('+');
    if (!/^[\w.-]{1,64}$/.test(id) || !BEARER_SECRET.test(key) || grants.includes('')) return null;
    if (keys.some((known) => known.id === id || known.secret === key)) return null;
    keys.push({
      id,
      secret: key,
      scopes: grants.filter((grant) => grant.includes(':')),
      roles: grants.filter((grant) => !grant.includes(':')),
    });
  }
  return keys;
}

/**
 * The origins of the variable.
 *
 * @throws {ConfigError} for one that no browser sends, such as `*` or one with a path: it would never match.
 */
export function checkOrigins(origins: readonly string[]): readonly string[] {
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
  if (wrong === undefined) return origins;
  const detail =
    'expected origins as browsers send them, such as https://temporal.example.com, without a path or a slash';
  throw new ConfigError([{ variable: 'HELIOGRAPH_CODEC_ORIGINS', detail }]);
}
