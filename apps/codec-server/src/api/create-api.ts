import type { AuditLog } from '@heliograph/codec-audit';
import type { AuditReader } from '@heliograph/codec-audit/store';
import { API_NAME, API_VERSION } from '@heliograph/codec-api';
import {
  type Authenticator,
  type CorsPolicy,
  createEdge,
  type EarlyRefusal,
  type Edge,
  type EdgeOptions,
  type Exchange,
  memoryIdempotencyStore,
  systemClock,
} from '@heliograph/service';
import type { AppAuth } from '@heliograph/worker-app';
import { actionOf, createAuditTrail } from '../audit-trail.ts';
import { createRateLimit, RateLimited } from '../rate-limit.ts';
import { createFetchTurns } from '../payloads/fetch-turns.ts';
import { addAuditApi } from './audit-api.ts';
import { addDecodeApi } from './decode-api.ts';
import { addEncodeApi } from './encode-api.ts';
import { CALLER_SCOPE } from './operations.ts';
import type { WireServices } from './wire-services.ts';

/** What the API works with. */
export interface ApiOptions extends Omit<WireServices, 'trail' | 'turns' | 'charge'> {
  readonly edgeOptions: EdgeOptions;
  readonly auth: AppAuth;
  readonly audit: AuditLog;
  readonly auditReader: Pick<AuditReader, 'list'>;
  readonly cors: CorsPolicy;
  readonly bodyLimitBytes: number;
  /** What all requests together may hold in memory; half of it is the most of one caller. */
  readonly bytesInFlight: number;
  readonly requestsPerMinute: number;
  /** Of one subject that reads the audit log. */
  readonly auditReadsPerMinute: number;
}

/** Members and items of a payload: itself, its metadata with its entries, its data, and its external payloads. */
const PARTS_PER_PAYLOAD = 20;

/** Stored payloads that are fetched at a time, as many as a claim check transfers; of one caller, half of them. */
const FETCH_PLACES = 16;

/** Unlike any id of a principal. */
const NOBODY = '';

/** Makes the HTTP edge of the codec server. */
export function createApi({ edgeOptions, auth, audit, cors, ...options }: ApiOptions): Edge {
  const { metrics } = options;
  const { logger, clock = systemClock } = edgeOptions;
  const trail = createAuditTrail({ log: audit, clock, logger, onFailure: () => metrics.auditFailure() });
  const rateLimit = createRateLimit(options.requestsPerMinute);
  const readLimit = createRateLimit(options.auditReadsPerMinute);
  const count = async (subject: string, context: Exchange['context']): Promise<void> => {
    const isRead = subject !== NOBODY && actionOf(context.req.path) === 'audit';
    try {
      await (isRead ? readLimit : rateLimit).count(subject);
    } catch (error) {
      if (!(error instanceof RateLimited)) throw error;
      metrics.rateLimited();
      // The first of a minute is on the record; a flood of them would be a way to fill the log.
      if (!error.isFirst) trail.omit(context);
      throw error.toProblem();
    }
  };
  /** Nothing is given out, so nobody waits for the entry; a flood of them is one entry a minute. */
  const recordEarly = async ({ requestId, code }: EarlyRefusal): Promise<void> => {
    const refused = await rateLimit.count(NOBODY).catch((error: unknown) => error);
    if (refused === undefined) return trail.recordEarly(requestId, code);
    metrics.rateLimited();
    if (refused instanceof RateLimited && refused.isFirst) await trail.recordEarly(requestId, 'RATE_LIMITED');
  };
  const edge = createEdge({
    ...edgeOptions,
    name: API_NAME,
    apiVersion: API_VERSION,
    auth: withCallerScope(auth.authenticator),
    idempotency: memoryIdempotencyStore(),
    cors,
    acceptsRequestIds: false,
    bodyLimitBytes: options.bodyLimitBytes,
    bytesInFlight: { totalBytes: options.bytesInFlight, callerBytes: options.bytesInFlight / 2 },
    maxBodyParts: 1000 + PARTS_PER_PAYLOAD * options.limits.maxPayloads,
    admit: (principal, context) =>
      actionOf(context.req.path) === undefined ? undefined : count(principal.id, context),
    async beforeAnswer(exchange) {
      const { path, context, principal } = exchange;
      if (actionOf(path) === undefined) return;
      const limited =
        principal === null ? await count(NOBODY, context).catch((error: unknown) => error) : undefined;
      const code = 'RATE_LIMITED';
      const entries = await trail.record(
        limited === undefined ? exchange : { ...exchange, problem: { status: 429, code } },
      );
      // One entry is counted with its request.
      if (principal !== null) await rateLimit.charge(principal.id, entries - 1);
      if (limited !== undefined) throw limited;
    },
    onEarlyRefusal: (refusal) => void recordEarly(refusal),
  });
  const services = {
    ...options,
    trail,
    turns: createFetchTurns({ places: FETCH_PLACES, perCaller: FETCH_PLACES / 2 }),
    charge: (subject: string, cost: number) => rateLimit.charge(subject, cost),
  };
  addDecodeApi(edge, services);
  addEncodeApi(edge, services);
  addAuditApi(edge, { reader: options.auditReader, trail });
  auth.mount(edge);
  return edge;
}

/** Whoever is known may ask for payloads: the policy decides, by role. */
function withCallerScope(auth: Authenticator): Authenticator {
  return {
    scheme: auth.scheme,
    async authenticate(headers) {
      const found = await auth.authenticate(headers);
      if (found.kind !== 'authenticated') return found;
      const { principal } = found;
      return { ...found, principal: { ...principal, scopes: new Set([...principal.scopes, CALLER_SCOPE]) } };
    },
  };
}
