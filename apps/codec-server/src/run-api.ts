import { migrateAuth } from '@heliograph/auth';
import { createClaimCheck } from '@heliograph/codec/claims';
import { createAuditLog, createAuditReader, migrateAudit } from '@heliograph/codec-audit/store';
import { type Followed, systemClock } from '@heliograph/service';
import { type Databases, openAuth, runApiApp } from '@heliograph/worker-app';
import { createApi } from './api/create-api.ts';
import {
  checkBytesInFlight,
  checkOrigins,
  codecServerVariables,
  maintenanceVariables,
  parseCallers,
} from './config.ts';
import { createMetrics } from './metrics.ts';
import { followPolicyFile, type PolicyText } from './policy/follow-policy-file.ts';
import { proveKeys } from './prove-keys.ts';
import { readIdToken } from './read-id-token.ts';
import { createHeadReport } from './report-head.ts';

/** What every role of the codec server says about itself. */
const codecServer = {
  packageJson: new URL('../package.json', import.meta.url),
  databases: { postgres: {} },
  async migrate({ postgres }: Pick<Databases, 'postgres'>): Promise<void> {
    await migrateAudit(postgres);
    await migrateAuth(postgres);
  },
};

/** How long an answer waits for a stored payload: whoever asked can ask again. */
const FETCH_TIMEOUT_MS = 5000;
/** The same for all stored payloads of a request. */
const FETCH_ALL_TIMEOUT_MS = 10_000;
/** A request that is not on the record by then is refused. */
const APPEND_TIMEOUT_MS = 5000;
/** Appends are few, each for many requests, and nothing else may hold them up; a silent connection is discarded in time. */
const APPENDING = {
  maxConnections: 2,
  connectTimeoutMs: 2000,
  statementTimeoutMs: 4000,
  queryTimeoutMs: 4000,
};
/** Some conditions read the whole table. */
const READING = { maxConnections: 2, statementTimeoutMs: 5000, queryTimeoutMs: 6000 };
/** The headers that the Temporal UI sends. */
const HEADERS = ['content-type', 'x-namespace', 'authorization', 'authorization-extras'];

/** Runs the server: it decrypts and encrypts payloads for those whom the policy allows it, and records that it did. */
export function runApi(): Promise<number> {
  return runApiApp({
    ...codecServer,
    name: 'codec-server',
    variables: codecServerVariables,
    otherVariables: Object.keys(maintenanceVariables),
    codec: {},
    allowsPlainHttp: (config) => config.HELIOGRAPH_CODEC_PLAIN_HTTP,
    async edge(app) {
      const { config, logger, telemetry, postgres, register, addReadiness, openKeyRing, edgeOptions } = app;
      const auth = openAuth(app, {
        keys: parseCallers(config.HELIOGRAPH_CODEC_CALLERS?.reveal() ?? '') ?? [],
      });
      const stored = await app.openStoredPayloads();
      const keys = await openKeyRing(config.HELIOGRAPH_CODEC_NAMESPACE);
      let policy: Followed<PolicyText> | undefined;
      const metrics = createMetrics(
        telemetry.meter,
        () => keys.domains,
        () => (policy?.problem() ?? null) !== null,
      );
      const followed = (policy = await followPolicyFile(config.HELIOGRAPH_CODEC_POLICY_FILE, {
        intervalMs: config.HELIOGRAPH_CODEC_POLICY_INTERVAL_MS,
        onChange: ({ policy: { rules } }) => {
          metrics.policyReload('used');
          logger.info({ rules: rules.length }, 'the policy file has changed, and its rules are in use');
        },
        onProblem: (error) => {
          metrics.policyReload('refused');
          logger.error({ err: error }, 'the policy file cannot be used; the policy of before stays in use');
        },
      }));
      register({ name: 'policy', stop: async () => followed.close() });
      addReadiness({ name: 'keys', check: () => proveKeys(keys) });
      const openPool = (name: string, options: NonNullable<Parameters<typeof postgres.separate>[0]>) => {
        const sql = postgres.separate(options);
        register({ name, stop: (deadlineMs) => sql.end({ timeout: deadlineMs / 1000 }) });
        return { sql };
      };
      const headReport = createHeadReport(logger, systemClock);
      register({ name: 'head of the audit log', stop: async () => headReport.stop() });
      return createApi({
        edgeOptions,
        auth: {
          ...auth,
          authenticator:
            config.HELIOGRAPH_CODEC_TOKEN === 'id' ? readIdToken(auth.authenticator) : auth.authenticator,
        },
        audit: createAuditLog({
          pg: openPool('audit log', APPENDING),
          timeoutMs: APPEND_TIMEOUT_MS,
          onAppended: (head) => {
            metrics.auditHead(head.sequence);
            headReport.report(head);
          },
        }),
        auditReader: createAuditReader({ pg: openPool('audit reader', READING) }),
        keys,
        policy: () => followed.current().policy,
        metrics,
        claims:
          stored === null
            ? null
            : createClaimCheck({
                ...stored,
                maxObjectBytes: config.HELIOGRAPH_CODEC_MAX_PAYLOAD_BYTES,
                fetchTimeoutMs: FETCH_TIMEOUT_MS,
              }),
        defaultDomain: config.HELIOGRAPH_CODEC_DOMAIN ?? null,
        cors: {
          origins: checkOrigins(config.HELIOGRAPH_CODEC_ORIGINS),
          headers: HEADERS,
          allowCredentials: config.HELIOGRAPH_CODEC_ALLOW_CREDENTIALS,
        },
        bytesInFlight: checkBytesInFlight(config),
        bodyLimitBytes: config.HELIOGRAPH_CODEC_BODY_LIMIT_BYTES,
        requestsPerMinute: config.HELIOGRAPH_CODEC_REQUESTS_PER_MINUTE,
        auditReadsPerMinute: config.HELIOGRAPH_CODEC_AUDIT_READS_PER_MINUTE,
        limits: {
          maxPayloads: config.HELIOGRAPH_CODEC_MAX_PAYLOADS,
          perPayloadBytes: config.HELIOGRAPH_CODEC_MAX_PAYLOAD_BYTES,
          perRequestBytes: config.HELIOGRAPH_CODEC_MAX_RESPONSE_BYTES,
          maxReferences: config.HELIOGRAPH_CODEC_MAX_REFERENCES,
          fetchTimeoutMs: FETCH_ALL_TIMEOUT_MS,
        },
      });
    },
  });
}
