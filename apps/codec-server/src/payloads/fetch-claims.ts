import { CodecError, isCodecError } from '@heliograph/codec/codecs';
import type { ByteHold } from '@heliograph/service';
import type { Payload } from '@temporalio/common';
import { type PayloadJson, readPayloadJson } from '../wire/payload-json.ts';
import type { FetchTurns } from './fetch-turns.ts';
import type { ClaimStore } from './storage-reference.ts';

/** What fetching works with. */
export interface FetchOptions {
  readonly claims: ClaimStore;
  /** Hears how many objects are about to be fetched. */
  readonly onFetch: (count: number) => Promise<void>;
  readonly turns: FetchTurns;
  /** Whose turn it is. */
  readonly caller: string;
  readonly limits: {
    readonly maxReferences: number;
    readonly perRequestBytes: number;
    readonly fetchTimeoutMs: number;
  };
  readonly hold: Pick<ByteHold, 'take'>;
  readonly signal: AbortSignal;
}

/** The outcome of one reference. */
export type FetchedClaim =
  | { readonly kind: 'fetched'; readonly payload: Payload }
  | { readonly kind: 'failed'; readonly error: CodecError };

/** Objects of one request that are fetched at a time. */
const CONCURRENCY = 4;

/**
 * Fetches what references name, each object once however often it is named, a few at a time. Objects are large, and anybody
 * may write references: number, bytes together and time are bounded for a request as a whole; what is beyond is a failure of
 * its own, and does not take the others along.
 *
 * @throws Problem 429 BYTES_LIMITED, 503 OVERLOADED
 */
export async function fetchClaims(
  references: readonly PayloadJson[],
  { claims, onFetch, turns, caller, limits, hold, signal: outer }: FetchOptions,
): Promise<(reference: PayloadJson) => FetchedClaim> {
  const distinct = new Map(references.map((reference) => [reference.data ?? '', reference]));
  const fetched = new Map<string, FetchedClaim>();
  const over = new AbortController();
  const deadline = AbortSignal.timeout(limits.fetchTimeoutMs);
  const signal = AbortSignal.any([outer, over.signal, deadline]);
  let leftBytes = limits.perRequestBytes;
  const fetchOne = async (reference: PayloadJson): Promise<Payload> => {
    if (leftBytes <= 0) throw exhausted();
    try {
      const payload = await turns.run(caller, signal, () => claims.fetch(readPayloadJson(reference), signal));
      const bytes = payload.data?.length ?? 0;
      leftBytes -= bytes;
      // Those that were fetched at the same time may be too much together.
      if (leftBytes < 0 && bytes < limits.perRequestBytes) throw exhausted();
      hold.take(bytes);
      return payload;
    } catch (error) {
      if (isCodecError(error) || !deadline.aborted || outer.aborted) throw error;
      throw late(limits.fetchTimeoutMs);
    }
  };
  const within = [...distinct].slice(0, limits.maxReferences);
  await onFetch(within.length);
  const queue = within.values();
  const work = async (): Promise<void> => {
    for (const [name, reference] of queue)
      fetched.set(
        name,
        await fetchOne(reference).then(
          (payload) => ({ kind: 'fetched', payload }) as const,
          (error: unknown) => {
            if (!isCodecError(error)) throw error;
            return { kind: 'failed', error } as const;
          },
        ),
      );
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    // What is refused as a whole fetches nothing more.
    over.abort();
  }
  return ({ data }) => fetched.get(data ?? '') ?? { kind: 'failed', error: exhausted() };
}

/** The answer may not hold it. */
export function exhausted(): CodecError {
  return new CodecError(
    'CODEC_TOO_LARGE',
    'The payloads of this request are larger together, or more, than one answer may be. Ask for fewer at once.',
  );
}

function late(timeoutMs: number): CodecError {
  return new CodecError(
    'CODEC_CLAIMS_UNAVAILABLE',
    `The stored payloads of this request could not be fetched within ${timeoutMs} ms. Ask again, or for fewer at once.`,
    { retryable: true },
  );
}
