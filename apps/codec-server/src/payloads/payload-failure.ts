import { isCodecError } from '@heliograph/codec/codecs';
import type { Decision, Target } from '../policy/decide.ts';

/** Why one payload is not given out. */
export interface PayloadFailure {
  /** `denied`: the caller may not. `failed`: the caller may, and it cannot be done. */
  readonly outcome: 'denied' | 'failed';
  /** What a strict request is answered with. */
  readonly status: 403 | 413 | 422 | 503;
  readonly code: string;
  readonly detail: string;
}

/**
 * Turns what a codec or a claim store threw into the reason for one payload. Their messages name ids and sizes only.
 *
 * @throws what is no such error: a fault of this program, or a server that is unavailable.
 */
export function toPayloadFailure(error: unknown): PayloadFailure {
  if (!isCodecError(error)) throw error;
  return {
    outcome: 'failed',
    status: error.code === 'CODEC_TOO_LARGE' ? 413 : error.retryable ? 503 : 422,
    code: error.code,
    detail: error.message,
  };
}

/** Turns a denial into the reason for one payload; without a target, it says nothing of where that belongs. */
export function toDenial(
  { reason }: Extract<Decision, { kind: 'denied' }>,
  target: Target | null,
  action: string,
): PayloadFailure {
  const where = target === null ? 'like this one' : placeOf(target);
  const why =
    reason === 'ELEVATION_REQUIRED'
      ? 'The namespace needs an elevated role as well.'
      : 'No rule of the policy allows it.';
  return {
    outcome: 'denied',
    status: 403,
    code: reason,
    detail: `You may not ${action} payloads ${where}. ${why}`,
  };
}

/** What is no name was written by whoever made the payload. */
function placeOf({ namespace, domain }: Target): string {
  const isName = namespace !== null && /^[\w.-]{1,255}$/.test(namespace);
  return `of the domain ${domain} in ${isName ? `the namespace ${namespace}` : 'that namespace'}`;
}
