import { type Reencryption, reencryptClaims } from '@heliograph/codec/claims';
import { addCounts, NOTHING_ROTATED, type RotationCounts } from '../contract/results.ts';
import type { RotationBatch } from '../contract/maintenance-activities.ts';

type Options = Omit<Parameters<typeof reencryptClaims>[0], 'after' | 'limit' | 'signal'>;

/** How far a batch is. */
export interface BatchProgress {
  readonly after: string | null;
  readonly counts: RotationCounts;
}

/** Objects of a page, and pages of a batch. */
const PAGE_SIZE = 50;
const MAX_PAGES = 20;

/**
 * Encrypts up to 1,000 stored payloads with the active keys, from `progress` on. What is done already is current, so a page
 * that is repeated changes nothing.
 *
 * @throws CodecError CODEC_CLAIMS_UNAVAILABLE
 */
export async function reencryptBatch(
  options: Options,
  progress: BatchProgress,
  signal: AbortSignal,
  onProgress: (progress: BatchProgress) => void,
): Promise<RotationBatch> {
  let { after, counts } = progress;
  for (let page = 0; page < MAX_PAGES; page++) {
    signal.throwIfAborted();
    const { results, next } = await reencryptClaims({ ...options, after, limit: PAGE_SIZE, signal });
    counts = results.reduce((sum, result) => addCounts(sum, countsOf(result)), counts);
    if (next === null) return { counts, next };
    after = next;
    onProgress({ after, counts });
  }
  return { counts, next: after };
}

function countsOf(result: Reencryption): RotationCounts {
  return result.outcome === 'failed'
    ? { ...NOTHING_ROTATED, failed: { [result.code]: 1 } }
    : { ...NOTHING_ROTATED, [result.outcome]: 1 };
}
