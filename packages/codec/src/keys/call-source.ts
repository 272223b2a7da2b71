import { CodecError, isCodecError } from '../contract/errors.ts';
import { type Limiter, runWithin } from './run-within.ts';

/**
 * Calls the source of a key within a time, see `runWithin`.
 *
 * @throws CodecError of the source; CODEC_KEY_UNAVAILABLE at the deadline, and for any other error, whose text may hold
 *   anything and is not passed on.
 */
export async function callSource<T>(
  { id }: { readonly id: string },
  within: { readonly timeoutMs: number; readonly limit?: Limiter },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new CodecError(
    'CODEC_KEY_UNAVAILABLE',
    `Key ${id}: no answer within ${within.timeoutMs} ms.`,
    {
      keyId: id,
      retryable: true,
    },
  );
  try {
    return await runWithin({ ...within, late }, call);
  } catch (error) {
    if (isCodecError(error)) throw error;
    const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'an unknown error';
    throw new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: its source failed with ${name}.`, {
      keyId: id,
      retryable: true,
    });
  }
}
