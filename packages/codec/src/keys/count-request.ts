import { isCodecError } from '../contract/errors.ts';
import type { CodecMetrics, KeyOperation } from '../telemetry/codec-metrics.ts';

/** Counts how a request to a source ends. */
export async function counted<T>(
  metrics: Pick<CodecMetrics, 'keyRequested'> | undefined,
  { id: source }: { readonly id: string },
  operation: KeyOperation,
  request: Promise<T>,
): Promise<T> {
  try {
    const answer = await request;
    metrics?.keyRequested({ source, operation, outcome: 'succeeded' });
    return answer;
  } catch (error) {
    const outcome = isCodecError(error) ? error.code : 'CODEC_KEY_UNAVAILABLE';
    metrics?.keyRequested({ source, operation, outcome });
    throw error;
  }
}
