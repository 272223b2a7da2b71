import { withDeadline } from '@heliograph/database';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type { DeliveryDependencies } from './attempt-delivery.ts';
import type { Claim, ClaimRequest } from './claim-intents.ts';

/** How long one try waits for its answer, in milliseconds. */
const TRY_MS = 4000;
/** The pause between two tries, in milliseconds; each further one is twice as long. */
const FIRST_PAUSE_MS = 50;

/**
 * Claims an intent, and repeats a claim whose answer is lost: with the same token it is the same claim, wherever the
 * earlier ones end. Returns null where no answer came until `endsAt` (of `elapsed`): nothing is sent under that token then.
 */
export async function claimInTime(
  { intents, elapsed, sleep, onFailure }: DeliveryDependencies,
  request: ClaimRequest,
  { endsAt, signal }: { readonly endsAt: number; readonly signal?: AbortSignal | undefined },
): Promise<Claim | null> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const leftMs = endsAt - elapsed();
    if (leftMs <= 0 || signal?.aborted === true) return null;
    try {
      return await withDeadline(Math.min(TRY_MS, leftMs), 'claim an intent', () => intents.claim(request));
    } catch (error) {
      const workflowId = alertWorkflowId(request.order.stream);
      onFailure?.({ what: 'an intent could not be claimed yet', workflowId, error });
      if (pauseMs >= endsAt - elapsed()) return null;
      await sleep(pauseMs);
    }
  }
}
