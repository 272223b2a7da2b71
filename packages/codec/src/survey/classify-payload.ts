import type { Payload } from '@temporalio/common';
import { encodingOf, type Envelope, readEnvelope } from '../codecs/envelope.ts';
import { readClaimName } from '../claims/claim-name.ts';
import { isReference, readReference } from '../claims/claim-reference.ts';
import { isCodecError } from '../contract/errors.ts';

/** What a stored payload is, by its metadata alone: nothing is decrypted. */
export type PayloadClass =
  | { readonly kind: 'encrypted'; readonly envelope: Envelope }
  /** The SDK's reference to a payload that is stored outside of the history; `keyId` made its name, null if it is not ours. */
  | { readonly kind: 'reference'; readonly keyId: string | null }
  /** It says that it is encrypted, in a way that no release of this package wrote. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'plain'; readonly encoding: string | null };

/** Tells what a stored payload is. It says what the payload claims to be: whether that is true, only decryption can tell. */
export function classifyPayload(payload: Payload): PayloadClass {
  try {
    const envelope = readEnvelope(payload);
    if (envelope !== null) return { kind: 'encrypted', envelope };
  } catch (error) {
    if (!isCodecError(error)) throw error;
    return { kind: 'unreadable' };
  }
  if (isReference(payload)) return { kind: 'reference', keyId: namingKey(payload) };
  return { kind: 'plain', encoding: encodingOf(payload) };
}

function namingKey(reference: Payload): string | null {
  try {
    return readClaimName(readReference(reference))?.keyId ?? null;
  } catch (error) {
    if (!isCodecError(error)) throw error;
    return null;
  }
}
