import { CodecError, isCodecError } from '../contract/errors.ts';

/** Runs work when there is room for it, as `p-limit` does. */
export type Limiter = <T>(run: () => Promise<T>) => Promise<T>;

const unlimited: Limiter = (run) => run();

/**
 * Calls the source of a key. The deadline covers the wait for room too, and holds for a source that ignores its signal:
 * what waits in vain, and what does not answer, leaves its room at the deadline.
 *
 * @throws CodecError of the source; CODEC_KEY_UNAVAILABLE at the deadline, and for any other error, whose text may hold
 *   anything and is not passed on.
 */
export async function callSource<T>(
  { id }: { readonly id: string },
  { timeoutMs, limit = unlimited }: { readonly timeoutMs: number; readonly limit?: Limiter },
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const { signal } = deadline;
  const late = new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: no answer within ${timeoutMs} ms.`, {
    keyId: id,
    retryable: true,
  });
  const timer = setTimeout(() => deadline.abort(late), timeoutMs);
  const passed = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(late), { once: true });
  });
  // Whether or not anybody still waits for it.
  passed.catch(() => undefined);
  const turn = (): Promise<T> => (signal.aborted ? passed : Promise.race([call(signal), passed]));
  try {
    return await Promise.race([limit(turn), passed]);
  } catch (error) {
    if (isCodecError(error)) throw error;
    const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'an unknown error';
    throw new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: its source failed with ${name}.`, {
      keyId: id,
      retryable: true,
    });
  } finally {
    clearTimeout(timer);
  }
}
