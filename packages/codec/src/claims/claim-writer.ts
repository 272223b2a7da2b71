import type { Payload, SerializationContext } from '@temporalio/common';
import { readEnvelope } from '../codecs/envelope.ts';
import { CodecError } from '../contract/errors.ts';
import { METADATA } from '../contract/metadata.ts';
import type { CodecKey } from '../keys/codec-key.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { ClaimCheck } from './claim-check.ts';
import { claimIdOf, readClaimName } from './claim-name.ts';
import type { ClaimOwner } from './claim-registry.ts';

/** Envelope metadata are smaller than this, in bytes, also with a wrapped data key of AWS KMS. */
const METADATA_BYTES = 8192;

/** Stores envelopes of payloads, in a context of the SDK. It never rejects: what cannot be stored stays inline. */
export type ClaimWriter = (
  payloads: readonly Payload[],
  envelopes: readonly Payload[],
  context: SerializationContext | undefined,
) => Promise<Payload[]>;

/**
 * Creates the function that puts a claim check behind a codec that compresses and encrypts. It stores what is large and has
 * a workflow as its owner; what has none (a standalone activity, a Nexus operation) stays inline, since nothing would tell
 * when to delete it.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN if the domain has no key to name large payloads with.
 */
export function createClaimWriter({
  keys,
  namespace,
  domain,
  claims,
}: {
  readonly keys: KeyRing;
  readonly namespace: string;
  readonly domain: string;
  readonly claims: ClaimCheck;
}): ClaimWriter {
  const activeKey = (): CodecKey | undefined => keys.claimKeys?.(domain)[0];
  if (activeKey() === undefined)
    throw new CodecError(
      'CODEC_KEY_UNKNOWN',
      `The domain ${domain} has no key to name large payloads with. Add one, with "use":"claims".`,
    );
  const store = async (payload: Payload, envelope: Payload, owner: ClaimOwner): Promise<Payload> => {
    const key = activeKey();
    const length = envelope.data?.length ?? 0;
    if (key === undefined || length + METADATA_BYTES < claims.thresholdBytes) return envelope;
    return claims.store(envelope, claimIdOf(key, { namespace, domain }, payload), owner);
  };
  return async (payloads, envelopes, context) => {
    const owner = ownerIn(namespace, context);
    if (owner === null) return [...envelopes];
    return Promise.all(
      envelopes.map((envelope, index) => store(payloads[index] ?? envelope, envelope, owner)),
    );
  };
}

function ownerIn(namespace: string, context: SerializationContext | undefined): ClaimOwner | null {
  const workflowId = context?.workflowId;
  if (context?.namespace !== namespace || workflowId === undefined || workflowId === '') return null;
  return { namespace, workflowId };
}

/**
 * Checks that an envelope that was fetched holds what its reference names. The store is not trusted: an object may have been
 * exchanged for another one of the same namespace. Envelopes that were not fetched pass.
 *
 * @throws CodecError CODEC_CORRUPT, CODEC_KEY_UNKNOWN
 */
export function assertClaim(
  envelope: Payload,
  payload: Payload,
  { keys, namespace }: { readonly keys: KeyRing; readonly namespace: string },
): void {
  const marked = envelope.metadata?.[METADATA.claim];
  const read = marked === undefined ? null : readEnvelope(envelope);
  if (marked === undefined || read === null) return;
  const { domain } = read;
  const claim = readClaimName(Buffer.from(marked).toString('latin1'));
  if (claim !== null && domain !== null) {
    const key = keys.claimKeys?.(domain).find(({ id }) => id === claim.keyId);
    if (key === undefined)
      throw new CodecError(
        'CODEC_KEY_UNKNOWN',
        `Key ${claim.keyId}, which names large payloads of the domain ${domain}, is not in the key ring. Add it, with "use":"claims".`,
        { keyId: claim.keyId },
      );
    if (claimIdOf(key, { namespace, domain }, payload) === claim.id) return;
  }
  throw new CodecError(
    'CODEC_CORRUPT',
    'A large payload is not the one that its reference names: the store was changed, or another namespace or domain wrote the reference.',
  );
}
