import { CodecError, isCodecError } from '../../contract/errors.ts';

/**
 * Runs a request of a store. The text of an error of a database, a file system or S3 may hold addresses, accounts and
 * values, so only its name or code is passed on.
 *
 * @throws CodecError its own; CODEC_CLAIMS_UNAVAILABLE (retryable) for any other error.
 */
export async function guardStore<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isCodecError(error)) throw error;
    throw new CodecError(
      'CODEC_CLAIMS_UNAVAILABLE',
      `The store of large payloads could not ${what} (${nameOfError(error)}).`,
      { retryable: true },
    );
  }
}

/** @throws CodecError CODEC_TOO_LARGE */
export function assertSize(name: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new CodecError(
    'CODEC_TOO_LARGE',
    `The object ${name} of a large payload has ${bytes} bytes, and at most ${maxBytes} are read.`,
  );
}

/** The code of an error, for example of Node; null without one. */
export function codeOfError(error: unknown): string | null {
  return readText(error, 'code');
}

/** The code or the name of an error, and nothing else of it: its text may hold anything. */
export function nameOfError(error: unknown): string {
  return readText(error, 'code') ?? readText(error, 'name') ?? 'an unknown error';
}

/** By shape: errors of Node are of another realm where modules run in a context of their own. */
function readText(error: unknown, member: 'code' | 'name'): string | null {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, member) : undefined;
  return typeof value === 'string' && /^\w{1,64}$/.test(value) ? value : null;
}
