import { CodecError } from '../contract/errors.ts';
import { callSource } from './call-source.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import { MAX_WRAPPED_BYTES } from './wrapped-key.ts';

/** What {@link rewrapDataKey} is asked for. */
export interface RewrapRequest {
  /** The wrapped data key. */
  readonly wrapped: Uint8Array;
  /** What it was made for; it stays that. */
  readonly binding: KeyBinding;
  /** The source that wrapped it. */
  readonly from: EnvelopeKeySource;
  /** The source that is to wrap it; the same one for its newest version. */
  readonly to: EnvelopeKeySource;
  /** How long a source may take to answer, in milliseconds; default 5,000. */
  readonly timeoutMs?: number;
}

/**
 * Wraps a data key anew, so that the key that wrapped it before is no longer needed for it. It does not leave the service in
 * clear where that can do so by itself (`rewrap` of Vault, `ReEncrypt` of KMS); otherwise it is unwrapped and wrapped here.
 * Payloads name the id of the source, which is authenticated: only a source of the same id can take over a wrapped key
 * without the payload being encrypted anew.
 *
 * @throws {CodecError} CODEC_KEY_REFUSED or CODEC_KEY_UNAVAILABLE.
 */
export async function rewrapDataKey(request: RewrapRequest): Promise<Uint8Array> {
  const { wrapped, binding, from, to, timeoutMs = 5000 } = request;
  const rewrapped =
    (await callSource(to, { timeoutMs }, (signal) => to.rewrapDataKey(wrapped, from, binding, signal))) ??
    (await wrapAnew(request, timeoutMs));
  if (rewrapped.length > 0 && rewrapped.length <= MAX_WRAPPED_BYTES) return rewrapped;
  throw new CodecError(
    'CODEC_KEY_REFUSED',
    `Key ${to.id}: its source wrapped a data key into ${rewrapped.length} bytes, which is no usable size.`,
    { keyId: to.id },
  );
}

async function wrapAnew(
  { wrapped, binding, from, to }: RewrapRequest,
  timeoutMs: number,
): Promise<Uint8Array> {
  const plaintext = await callSource(from, { timeoutMs }, (signal) =>
    from.unwrapDataKey(wrapped, binding, signal),
  );
  try {
    return await callSource(to, { timeoutMs }, (signal) => to.wrapDataKey(plaintext, binding, signal));
  } finally {
    plaintext.fill(0);
  }
}
