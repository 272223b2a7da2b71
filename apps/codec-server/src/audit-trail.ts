import type { AuditAction, AuditEntry, AuditLog } from '@heliograph/codec-audit';
import { type Clock, type Exchange, type Logger, problem } from '@heliograph/service';
import { ACTIONS } from './policy/policy.ts';

/** What a handler knows about some of the payloads of its request. */
export type AuditPart = Pick<AuditEntry, 'namespace' | 'domain' | 'keyId' | 'count' | 'outcome' | 'reason'>;

/** What an audit trail works with. */
export interface AuditTrailOptions {
  readonly log: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailure: () => void;
}

/** Records every request for payloads before it is answered, those too that are refused on the way. */
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
}

export function createAuditTrail({ log, clock, logger, onFailure }: AuditTrailOptions): AuditTrail {
  const noted = new WeakMap<Exchange['context'], readonly AuditPart[]>();
  const omitted = new WeakSet<Exchange['context']>();
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
      try {
        await log.append(parts.map((part) => ({ ...common, ...part })));
        return parts.length;
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
    },
  };
}

/** What a path asks for; undefined where it does not ask for payloads. */
export function actionOf(path: string): AuditAction | undefined {
  return ACTIONS.find((action) => path === `/${action}`);
}

function partOf({ problem: found }: Exchange): AuditPart {
  const nothing = { namespace: null, domain: null, keyId: null, count: 0 };
  if (found === null) return { ...nothing, outcome: 'allowed', reason: null };
  const { status, code, reason } = found;
  const outcome = status >= 500 ? 'failed' : status === 401 || status === 403 ? 'denied' : 'refused';
  return { ...nothing, outcome, reason: reason ?? code };
}
