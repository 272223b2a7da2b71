import type { Payload } from '@temporalio/common';
import { encodingOf, type Envelope, readEnvelope } from '../codecs/envelope.ts';
import { isCodecError } from '../contract/errors.ts';

/** What a stored payload is, by its metadata alone: nothing is decrypted. */
export type PayloadClass =
  | { readonly kind: 'encrypted'; readonly envelope: Envelope }
  /** The SDK's reference to a payload that is stored outside of the history. */
  | { readonly kind: 'reference' }
  /** It says that it is encrypted, in a way that no release of this package wrote. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'plain'; readonly encoding: string | null };

const REFERENCE = 'temporal.api.sdk.v1.ExternalStorageReference';
const decoder = new TextDecoder();

/** Tells what a stored payload is. It says what the payload claims to be: whether that is true, only decryption can tell. */
export function classifyPayload(payload: Payload): PayloadClass {
  try {
    const envelope = readEnvelope(payload);
    if (envelope !== null) return { kind: 'encrypted', envelope };
  } catch (error) {
    if (!isCodecError(error)) throw error;
    return { kind: 'unreadable' };
  }
  const encoding = encodingOf(payload);
  const messageType = payload.metadata?.['messageType'];
  if (encoding === 'json/protobuf' && messageType !== undefined && decoder.decode(messageType) === REFERENCE)
    return { kind: 'reference' };
  return { kind: 'plain', encoding };
}
