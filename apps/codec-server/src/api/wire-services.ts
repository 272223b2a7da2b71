import type { KeyRing } from '@heliograph/codec/codecs';
import { type Principal, problem } from '@heliograph/service';
import type { AuditTrail } from '../audit-trail.ts';
import type { Metrics } from '../metrics.ts';
import type { FetchTurns } from '../payloads/fetch-turns.ts';
import type { ClaimStore } from '../payloads/storage-reference.ts';
import { isKnown } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';

/** What one request may ask for. */
export interface WireLimits {
  readonly maxPayloads: number;
  /** The largest that a payload may become, in bytes. */
  readonly perPayloadBytes: number;
  /** The largest that the payloads of a request may become together, in bytes. */
  readonly perRequestBytes: number;
  /** Stored payloads that one request fetches. */
  readonly maxReferences: number;
  /** How long a request may take to fetch all of them, in milliseconds. */
  readonly fetchTimeoutMs: number;
}

/** What the routes of the wire work with. */
export interface WireServices {
  readonly keys: KeyRing;
  readonly policy: () => Policy;
  readonly trail: AuditTrail;
  readonly metrics: Metrics;
  /** Null where payloads are not stored outside. */
  readonly claims: ClaimStore | null;
  readonly turns: FetchTurns;
  /** Counts what a subject has fetched above one for its request; it refuses the next ones. */
  readonly charge: (subject: string, cost: number) => Promise<void>;
  /** The domain that `/encode` uses where the request names none; null: the only one of the key ring. */
  readonly defaultDomain: string | null;
  readonly limits: WireLimits;
}

/** @throws Problem 403 ROLE_UNKNOWN */
export function assertKnownRole(policy: Policy, principal: Principal): void {
  if (isKnown(policy, principal)) return;
  throw problem(
    403,
    'ROLE_UNKNOWN',
    'None of your roles is named in the policy of this server. Ask for one that is.',
  );
}
