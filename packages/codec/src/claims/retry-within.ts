import { setTimeout as wait } from 'node:timers/promises';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { type Limiter, runWithin } from '../keys/run-within.ts';
import { nameOfError } from './stores/store-error.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/**
 * Runs work until it succeeds, fails with an error that is not retryable, or time is up. The pauses between attempts grow
 * to 2 s. Each attempt gets a signal, and is left behind when that is aborted: after half of the time, so that a connection
 * that went silent leaves room for another one.
 *
 * @throws CodecError the last one; CODEC_CLAIMS_UNAVAILABLE (retryable) if no attempt was answered in time, and for an
 *   error of another kind, whose text may hold anything. The reason of `signal`, where that is aborted.
 */
export async function retryWithin<T>(
  {
    timeoutMs,
    limit,
    signal: outer,
  }: { readonly timeoutMs: number; readonly limit: Limiter; readonly signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    outer?.throwIfAborted();
    const leftMs = Math.max(endsAt - performance.now(), 1);
    try {
      return await runWithin({ timeoutMs: Math.min(leftMs, timeoutMs / 2), limit, signal: outer }, work);
    } catch (error) {
      outer?.throwIfAborted();
      const isFinal = isCodecError(error) && !error.retryable;
      if (isFinal || performance.now() + pauseMs >= endsAt) throw toClaimsError(error, timeoutMs);
    }
    await wait(pauseMs, undefined, outer === undefined ? {} : { signal: outer }).catch(() =>
      outer?.throwIfAborted(),
    );
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function toClaimsError(error: unknown, timeoutMs: number): CodecError {
  if (isCodecError(error)) return error;
  return new CodecError(
    'CODEC_CLAIMS_UNAVAILABLE',
    `The store of large payloads did not answer within ${timeoutMs} ms (${nameOfError(error)}).`,
    { retryable: true },
  );
}
