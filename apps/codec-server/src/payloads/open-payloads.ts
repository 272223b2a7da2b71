import {
  CodecError,
  type Codec,
  createCodec,
  isCodecError,
  type Envelope,
  type KeyRing,
  readEnvelope,
} from '@heliograph/codec/codecs';
import type { Principal } from '@heliograph/service';
import type { Payload } from '@temporalio/common';
import { decide, type Target } from '../policy/decide.ts';
import type { Action, Policy } from '../policy/policy.ts';
import { type PayloadJson, readPayloadJson } from '../wire/payload-json.ts';
import { type PayloadFailure, toDenial, toPayloadFailure } from './payload-failure.ts';
import { type ClaimStore, isStorageReference } from './storage-reference.ts';

/** The outcome of one payload. */
export type OpenedPayload =
  /** Not encrypted by us, so it is given back as it came. */
  | { readonly kind: 'passed' }
  | { readonly kind: 'opened'; readonly payload: Payload; readonly seal: Seal }
  /** `seal` is null where the payload does not even say what it is. */
  | { readonly kind: 'failed'; readonly failure: PayloadFailure; readonly seal: Seal | null };

/** What a payload was encrypted for, and with which key. Only where the payload is opened, it is proved. */
export interface Seal extends Target {
  readonly keyId: string;
}

/** What opening payloads works with. */
export interface OpenOptions {
  readonly keys: KeyRing;
  readonly policy: Policy;
  readonly principal: Pick<Principal, 'roles'>;
  readonly limits: { readonly perPayloadBytes: number; readonly perRequestBytes: number };
  /** Fetches what storage references name; null leaves them as they are. */
  readonly claims: ClaimStore | null;
  readonly signal: AbortSignal;
}

/**
 * Decrypts the payloads that the caller may read, each on its own, in the order in which they came. The caller is
 * authorized for what the envelope says, which whoever wrote the payload chose; decryption then proves it, because
 * namespace, domain and key id are authenticated. What was stored outside is fetched first, and authorized as `download`.
 */
export async function openPayloads(
  payloads: readonly PayloadJson[],
  options: OpenOptions,
): Promise<readonly OpenedPayload[]> {
  const fetchClaim = createFetcher(options);
  const admitted = await Promise.all(payloads.map((json) => admit(json, options, fetchClaim)));
  const results: OpenedPayload[] = admitted.map((one) =>
    one.kind === 'admitted' ? { kind: 'passed' } : one,
  );
  const groups = Map.groupBy(
    admitted.flatMap((one, index) => (one.kind === 'admitted' ? [{ ...one, index }] : [])),
    ({ seal }) => JSON.stringify([seal.namespace, seal.namespace === null ? seal.domain : null]),
  );
  // One after the other, and the codec takes one payload after the other, so that the limit of the request holds.
  let leftBytes = options.limits.perRequestBytes;
  for (const group of groups.values()) {
    const outcomes = await decrypt(group, options, leftBytes);
    for (const [at, { index, seal }] of group.entries()) {
      const outcome = outcomes[at];
      if (outcome === undefined) throw new TypeError('a codec returned too few payloads');
      if (outcome.kind === 'decoded') leftBytes -= outcome.payload.data?.length ?? 0;
      results[index] =
        outcome.kind === 'decoded'
          ? { kind: 'opened', payload: outcome.payload, seal }
          : { kind: 'failed', failure: toPayloadFailure(outcome.error), seal };
    }
  }
  return results;
}

/** A payload that the caller may read, if it is what it says. */
interface Admitted {
  readonly kind: 'admitted';
  readonly payload: Payload;
  readonly seal: Seal;
}

type FetchClaim = (reference: Payload) => Promise<Payload>;

async function admit(
  json: PayloadJson,
  { claims, keys, policy, principal }: OpenOptions,
  fetchClaim: FetchClaim,
): Promise<Admitted | Exclude<OpenedPayload, { kind: 'opened' }>> {
  let seal: Seal | null = null;
  try {
    const isReference = isStorageReference(json);
    if (isReference && claims === null) return { kind: 'passed' };
    const payload = isReference ? await fetchClaim(readPayloadJson(json)) : readPayloadJson(json);
    const envelope = readEnvelope(payload);
    // A stored payload that is plain has nothing that says who may read it.
    if (envelope === null && isReference) throw plainStored();
    if (envelope === null) return { kind: 'passed' };
    const action: Action = isReference ? 'download' : 'decode';
    const target = await targetOf(keys, envelope);
    seal = { ...target, keyId: envelope.keyId };
    const decision = decide(policy, principal, target, action);
    if (decision.kind === 'denied')
      return { kind: 'failed', failure: toDenial(decision, target, action), seal };
    const { namespace } = target;
    if (namespace !== null && keys.namespace !== undefined && keys.namespace !== namespace)
      throw foreignNamespace(envelope);
    // Nothing encrypts for a namespace without a name, and no codec can be made for it.
    if (namespace === '') throw namelessNamespace(envelope);
    return { kind: 'admitted', payload, seal };
  } catch (error) {
    return { kind: 'failed', failure: toPayloadFailure(error), seal };
  }
}

/**
 * Where the payload belongs. The format of the samples authenticates neither namespace nor domain: there the domain is
 * that of the key, and there is no namespace.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN
 */
async function targetOf(keys: KeyRing, { namespace, domain, keyId, wrappedKey }: Envelope): Promise<Target> {
  if (namespace !== null && domain !== null) return { namespace, domain };
  // Keys of that format are the ring's own; one that is wrapped would only have a key service asked on behalf of anybody.
  for (const candidate of wrappedKey === null ? keys.domains : []) {
    const key = await Promise.resolve()
      .then(() => keys.findKey(candidate, keyId, wrappedKey))
      .catch((error: unknown) => {
        if (isCodecError(error) && error.retryable) throw error;
        return null;
      });
    if (key?.isOfSamples === true) return { namespace: null, domain: candidate };
  }
  throw new CodecError(
    'CODEC_KEY_UNKNOWN',
    `Key ${keyId} is in no domain of the key ring as a key of the samples' format.`,
    { keyId },
  );
}

/** Fetches one at a time: objects are large, and as many as one answer may hold. */
function createFetcher({ claims, limits, signal }: OpenOptions): FetchClaim {
  let before: Promise<unknown> = Promise.resolve();
  let leftBytes = limits.perRequestBytes;
  return (reference) => {
    const fetched = before.then(async () => {
      if (claims === null || leftBytes <= 0) throw exhausted();
      const payload = await claims.fetch(reference, signal);
      leftBytes -= payload.data?.length ?? 0;
      return payload;
    });
    before = fetched.catch(() => undefined);
    return fetched;
  };
}

/** Decrypts payloads of one namespace. */
async function decrypt(
  group: readonly Admitted[],
  { keys, limits }: OpenOptions,
  leftBytes: number,
): ReturnType<Codec['decodeEach']> {
  const [first] = group;
  if (leftBytes <= 0 || first === undefined) return group.map(() => ({ kind: 'failed', error: exhausted() }));
  const { namespace, domain } = first.seal;
  const codec = createCodec({
    keys,
    namespace: namespace ?? keys.namespace ?? 'samples',
    // Payloads of ours name their domain; it is needed for those of the samples.
    domain,
    isDecodeOnly: true,
    // Whoever asked can ask again.
    maxKeyWaitMs: 0,
    compression: {
      maxInflatedBytes: limits.perPayloadBytes,
      maxInflatedBytesPerCall: leftBytes,
    },
  });
  return codec.decodeEach(group.map(({ payload }) => payload));
}

function foreignNamespace({ keyId }: Envelope): CodecError {
  return new CodecError(
    'CODEC_NAMESPACE_FOREIGN',
    `A payload that was encrypted with key ${keyId} belongs to a namespace that this server has no keys of.`,
    { keyId },
  );
}

function namelessNamespace({ keyId }: Envelope): CodecError {
  return new CodecError(
    'CODEC_CORRUPT',
    `A payload that was encrypted with key ${keyId} names a namespace by what is no name of one.`,
    { keyId },
  );
}

function exhausted(): CodecError {
  return new CodecError(
    'CODEC_TOO_LARGE',
    'The payloads of this request are larger together than one answer may be. Ask for fewer at once.',
  );
}

function plainStored(): CodecError {
  return new CodecError(
    'CODEC_PLAIN_REFUSED',
    'A stored payload is not encrypted, so nobody may read it here.',
  );
}
