import {
  choice,
  durationMs,
  flag,
  integer,
  list,
  port,
  secret,
  text,
  url,
  type ConfigField,
} from '@heliograph/service';
import type * as v from 'valibot';

/** Environment variables by name, each with the field that reads it. */
export type Variables = Readonly<Record<string, ConfigField<unknown>>>;

/** The values of variables, by the same names. */
export type ConfigOf<TVariables extends Variables> = v.InferOutput<v.ObjectSchema<TVariables, undefined>>;

/** Read by every app: its HTTP edge, its logs and its telemetry. */
export const processVariables = {
  HELIOGRAPH_HTTP_HOST: text({ default: '127.0.0.1' }),
  HELIOGRAPH_HTTP_PORT: port({ default: 4600 }),
  /** PEM files, the chain in the first: both make the edge serve https, and are read again when they change. */
  HELIOGRAPH_HTTP_TLS_CERT_FILE: text({ optional: true }),
  HELIOGRAPH_HTTP_TLS_KEY_FILE: text({ optional: true }),
  HELIOGRAPH_LOG_LEVEL: choice(['debug', 'info', 'warn', 'error'], { default: 'info' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: url({ optional: true }),
  /** Write spans to ClickHouse without a collector in between: for the embedded stack. */
  HELIOGRAPH_TRACES_IN_CLICKHOUSE: flag({ default: false }),
};

/** Read by every API. */
export const apiVariables = {
  /** How long `/readyz` says 503 before the listener closes, so that balancers notice. */
  HELIOGRAPH_DRAIN_MS: durationMs({ max: 600_000, default: 5000 }),
};

/** Read by an app that declares the database; ClickHouse's also if traces go there. */
export const databaseVariables = {
  postgres: {
    HELIOGRAPH_POSTGRES_URL: url({ schemes: ['postgres', 'postgresql'] }),
  },
  clickhouse: {
    HELIOGRAPH_CLICKHOUSE_URL: url({ schemes: ['http', 'https'] }),
    HELIOGRAPH_CLICKHOUSE_DATABASE: text({ default: 'heliograph', pattern: /^[a-z][a-z0-9_]{0,62}$/ }),
  },
};

/** Read by every worker, and by an API that has a Temporal client. */
export const temporalVariables = {
  HELIOGRAPH_TEMPORAL_ADDRESS: text(),
  HELIOGRAPH_TEMPORAL_NAMESPACE: text({ default: 'heliograph' }),
  HELIOGRAPH_TEMPORAL_API_KEY: secret({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS: flag({ default: false }),
  /** PEM files; any of them enables TLS. A client certificate needs its key. */
  HELIOGRAPH_TEMPORAL_TLS_CA_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_CERT_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_KEY_FILE: text({ optional: true }),
  HELIOGRAPH_TEMPORAL_TLS_SERVER_NAME: text({ optional: true }),
  /** Create namespace and search attributes where they are missing: for the embedded stack. */
  HELIOGRAPH_TEMPORAL_SETUP: flag({ default: false }),
};

/** Read by every app that declares a `codec`: the keys of its payloads, and what it does with them. */
export const codecVariables = {
  /** A key ring in JSON, as `parseKeyRing` of `codec` reads it; the file is followed. */
  HELIOGRAPH_CODEC_KEYS_FILE: text({ optional: true }),
  /** The same JSON itself. */
  HELIOGRAPH_CODEC_KEYS: secret({ optional: true }),
  /** Names keys of AWS KMS or Vault, by domain; see `openEnvelopeKeys`. Keys of the ring above then only decrypt. */
  HELIOGRAPH_CODEC_ENVELOPE_KEYS_FILE: text({ optional: true }),
  /**
   * `strict` and `permissive` encrypt, and `permissive` reads plain payloads as well. `off` writes plain payloads; it reads
   * encrypted ones if there are keys.
   */
  HELIOGRAPH_CODEC_MODE: choice(['strict', 'permissive', 'off'], { default: 'strict' }),
  HELIOGRAPH_CODEC_COMPRESSION: flag({ default: true }),
  /** Payloads below this size, in bytes, are not compressed. */
  HELIOGRAPH_CODEC_COMPRESSION_MIN_BYTES: integer({ max: 67_108_864, default: 1024 }),
  /** Where large payloads are stored: `postgres`, `file:FOLDER`, or `s3://BUCKET/PREFIX`, with `?region=` and `?endpoint=`. */
  HELIOGRAPH_CODEC_CLAIMS: text({
    optional: true,
    pattern: /^(?:postgres|file:\/.+|s3:\/\/.+)$/,
    expects: 'postgres, file:FOLDER with an absolute path, or s3://BUCKET',
  }),
  /** Encrypted payloads of this size and above are stored there, in bytes; more than the maximum, the server takes none. */
  HELIOGRAPH_CODEC_CLAIMS_THRESHOLD_BYTES: integer({ min: 1024, max: 1_966_080, default: 262_144 }),
};

/** Read by every worker. */
export const workerVariables = {
  /** Not 0: nobody could know which port was chosen, and `/metrics` reads it. */
  HELIOGRAPH_WORKER_METRICS_PORT: integer({ min: 1, max: 65_535, default: 4602 }),
  HELIOGRAPH_WORKER_IDENTITY: text({ optional: true }),
  /** `on`: workers are a version of a deployment, and get new work once it is current; see `decideBuildId`. */
  HELIOGRAPH_DEPLOYMENT_VERSIONING: choice(['on', 'off'], { optional: true }),
  /** Of the deployment; default what the app says. */
  HELIOGRAPH_DEPLOYMENT_NAME: text({
    optional: true,
    pattern: /^[A-Za-z0-9][A-Za-z0-9_/+-]{0,127}$/,
    expects: 'a name of letters, digits and _ / + -, at most 128',
  }),
  HELIOGRAPH_DEPLOYMENT_BUILD_ID: text({ optional: true }),
  /** Name the build where the variable above does not: the image's reference with its digest, what it was built from. */
  HELIOGRAPH_IMAGE: text({ optional: true }),
  HELIOGRAPH_IMAGE_REVISION: text({ optional: true }),
};

/**
 * Who may call, besides keys of the environment: for an app that calls `openAuth`, which adds them to its own variables. The
 * first two belong together; without them no tokens are accepted.
 */
export const authVariables = {
  /** `iss` of the tokens, character by character. */
  HELIOGRAPH_OIDC_ISSUER: url({ optional: true }),
  /** `aud` of the tokens: any of these. */
  HELIOGRAPH_OIDC_AUDIENCE: list({ default: [] }),
  /** Default: where `/.well-known/openid-configuration` of the issuer says. */
  HELIOGRAPH_OIDC_JWKS_URL: url({ optional: true }),
  HELIOGRAPH_OIDC_ALGORITHMS: list({ default: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] }),
  /** The header `typ` that tokens must have, such as `at+jwt`. */
  HELIOGRAPH_OIDC_TOKEN_TYPE: text({ optional: true }),
  HELIOGRAPH_OIDC_SCOPES_CLAIM: list({ default: ['scope', 'scp'] }),
  HELIOGRAPH_OIDC_ROLES_CLAIM: text({ default: 'roles' }),
  HELIOGRAPH_OIDC_TENANT_CLAIM: text({ default: 'tenant' }),
  HELIOGRAPH_OIDC_CLOCK_TOLERANCE_MS: durationMs({ max: 300_000, default: 30_000 }),
  /** Let in only those who are members; else the scopes and roles of a token count alone. */
  HELIOGRAPH_OIDC_MEMBERS_ONLY: flag({ default: false }),
};

/** All of the above: what a shared environment may hold, whichever part of it an app reads. */
export const sharedVariables = {
  ...processVariables,
  ...databaseVariables.postgres,
  ...databaseVariables.clickhouse,
  ...temporalVariables,
  ...workerVariables,
  ...codecVariables,
  ...apiVariables,
} satisfies Variables;
