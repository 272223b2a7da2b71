import { codecOperations } from '@heliograph/codec-api';
import type { AuditAction, AuditEntry, AuditLog } from '@heliograph/codec-audit';
import { type Clock, type Exchange, type Logger, problem } from '@heliograph/service';
import { ACTIONS } from './policy/policy.ts';

const AUDIT_PATH = codecOperations.listAuditEntries.path;

/** What a handler knows about some of the payloads of its request. */
export type AuditPart = Pick<AuditEntry, 'namespace' | 'domain' | 'keyId' | 'count' | 'outcome' | 'reason'>;

/** What an audit trail works with. */
export interface AuditTrailOptions {
  readonly log: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailure: () => void;
}

/** Records every request before it is answered, those too that are refused on the way. */
export interface AuditTrail {
  /** Sets the outcome of the payloads of a request; without any, its entry says what was answered. */
  note(context: Exchange['context'], parts: readonly AuditPart[]): void;
  /** Leaves a request out: one of a flood, of which the first is recorded. */
  omit(context: Exchange['context']): void;
  /**
   * Appends the entries of a request, and returns their number.
   *
   * @throws Problem 503 AUDIT_UNAVAILABLE: nothing is given out that is not on the record.
   */
  record(exchange: Exchange): Promise<number>;
  /** Appends the entry of what was refused before it was a request; a failure is logged and counted. */
  recordEarly(requestId: string, reason: string): Promise<void>;
}

export function createAuditTrail({ log, clock, logger, onFailure }: AuditTrailOptions): AuditTrail {
  const noted = new WeakMap<Exchange['context'], readonly AuditPart[]>();
  const omitted = new WeakSet<Exchange['context']>();
  const append = async (requestId: string, entries: readonly AuditEntry[]): Promise<void> => {
    try {
      await log.append(entries);
    } catch (error) {
      onFailure();
      logger.error({ err: error, requestId }, 'the audit log cannot be written, so nothing is given out');
      throw problem(
        503,
        'AUDIT_UNAVAILABLE',
        'The audit log cannot be written, and nothing is given out without it. Try again later.',
        { retryAfterSeconds: 5 },
      );
    }
  };
  return {
    note: (context, parts) => void noted.set(context, parts),
    omit: (context) => void omitted.add(context),
    async record(exchange) {
      const action = actionOf(exchange.path);
      if (action === undefined || omitted.has(exchange.context)) return 0;
      const known = noted.get(exchange.context) ?? [];
      const parts = known.length === 0 ? [partOf(exchange)] : known;
      const { requestId, principal } = exchange;
      const common = { at: new Date(clock.now()), requestId, subject: principal?.id ?? null, action };
      await append(
        requestId,
        parts.map((part) => ({ ...common, ...part })),
      );
      return parts.length;
    },
    async recordEarly(requestId, reason) {
      const at = new Date(clock.now());
      const entry = {
        ...NOTHING,
        at,
        requestId,
        subject: null,
        action: 'none',
        outcome: 'refused',
        reason,
      } as const;
      await append(requestId, [entry]).catch(() => undefined);
    },
  };
}

/** What a path asks for; undefined where everybody may ask for it, such as `/healthz`, and for what is not there. */
export function actionOf(path: string): AuditAction | undefined {
  if (path === AUDIT_PATH) return 'audit';
  if (path.startsWith('/api/')) return 'access';
  return ACTIONS.find((action) => path === `/${action}`);
}

/** What an entry says that is about no payloads. */
export const NOTHING = { namespace: null, domain: null, keyId: null, count: 0 } as const;

function partOf({ problem: found }: Exchange): AuditPart {
  if (found === null) return { ...NOTHING, outcome: 'allowed', reason: null };
  const { status, code, reason } = found;
  const outcome = status >= 500 ? 'failed' : status === 401 || status === 403 ? 'denied' : 'refused';
  return { ...NOTHING, outcome, reason: reason ?? code };
}
