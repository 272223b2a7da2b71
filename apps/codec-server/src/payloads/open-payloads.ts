import {
  CodecError,
  createCodec,
  type DecodeOutcome,
  isCodecError,
  type Envelope,
  type KeyRing,
  readEnvelope,
} from '@heliograph/codec/codecs';
import type { ByteHold, Principal } from '@heliograph/service';
import type { Payload } from '@temporalio/common';
import { type Decision, decide, decideAnywhere, type Target } from '../policy/decide.ts';
import type { Action, Policy } from '../policy/policy.ts';
import { type PayloadJson, readPayloadJson } from '../wire/payload-json.ts';
import { exhausted, type FetchedClaim, fetchClaims, type FetchOptions } from './fetch-claims.ts';
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
export interface Seal {
  readonly namespace: string | null;
  /** Null where the envelope does not say it, and the caller is not told. */
  readonly domain: string | null;
  readonly keyId: string;
}

/** What opening payloads works with. */
export interface OpenOptions {
  readonly keys: KeyRing;
  readonly policy: Policy;
  readonly principal: Pick<Principal, 'id' | 'roles'>;
  readonly limits: FetchOptions['limits'] & { readonly perPayloadBytes: number };
  /** Fetches what storage references name; null leaves them as they are. */
  readonly claims: ClaimStore | null;
  readonly turns: FetchOptions['turns'];
  readonly onFetch: FetchOptions['onFetch'];
  /** Counts the memory that payloads take, and their texts in the answer. */
  readonly hold: Pick<ByteHold, 'take' | 'release'>;
  readonly signal: AbortSignal;
}

/** Bytes of texts that an answer holds for each byte of a payload: base64, JSON, and that in UTF-8 are 4/3 each. */
const TEXT_FACTOR = 4;

/**
 * Decrypts the payloads that the caller may read, each on its own, in the order in which they came. The caller is
 * authorized for what the envelope says, which whoever wrote the payload chose; decryption then proves it, because
 * namespace, domain and key id are authenticated. What was stored outside is fetched first, for those who may download
 * anything, and authorized as `download`.
 *
 * @throws Problem 429 BYTES_LIMITED, 503 OVERLOADED
 */
export async function openPayloads(
  payloads: readonly PayloadJson[],
  options: OpenOptions,
): Promise<readonly OpenedPayload[]> {
  const resolve = await resolveReferences(payloads, options);
  const admitted = await Promise.all(payloads.map((json) => admit(json, resolve(json), options)));
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
    for (const { index, seal, payload } of group) {
      const outcome = outcomes.get(payload);
      if (outcome === undefined) throw new TypeError('a codec returned too few payloads');
      if (outcome.kind === 'failed') {
        results[index] = { kind: 'failed', failure: toPayloadFailure(outcome.error), seal };
        continue;
      }
      // One that is named several times is decrypted once, and answered as often.
      const bytes = sizeOf(outcome.payload);
      if (bytes <= leftBytes) {
        leftBytes -= bytes;
        options.hold.take(TEXT_FACTOR * bytes);
        results[index] = { kind: 'opened', payload: outcome.payload, seal };
      } else results[index] = { kind: 'failed', failure: toPayloadFailure(exhausted()), seal };
    }
  }
  return results;
}

/** A payload that the caller may read, if it is what it says. */
interface Admitted {
  readonly kind: 'admitted';
  readonly payload: Payload;
  readonly seal: Seal & Target;
}

/** What stands for a payload: itself, or what was fetched for it. */
type Resolved =
  | { readonly kind: 'inline' }
  /** A reference that is given back as it came. */
  | { readonly kind: 'kept' }
  | { readonly kind: 'denied'; readonly failure: PayloadFailure }
  | FetchedClaim;

/** Whoever may download nothing at all has nothing fetched. */
async function resolveReferences(
  payloads: readonly PayloadJson[],
  { claims, ...options }: OpenOptions,
): Promise<(json: PayloadJson) => Resolved> {
  const references = new Set(payloads.filter(isStorageReference));
  if (references.size === 0) return () => ({ kind: 'inline' });
  const { policy, principal, keys } = options;
  const decision = decideAnywhere(policy, principal, keys, 'download');
  const resolve = async (): Promise<(reference: PayloadJson) => Resolved> => {
    if (claims === null) return () => ({ kind: 'kept' });
    if (decision.kind === 'allowed')
      return fetchClaims([...references], { ...options, claims, caller: principal.id });
    const failure = toDenial(decision, null, 'download');
    return () => ({ kind: 'denied', failure });
  };
  const ofReference = await resolve();
  return (json) => (references.has(json) ? ofReference(json) : { kind: 'inline' });
}

async function admit(
  json: PayloadJson,
  resolved: Resolved,
  { keys, policy, principal }: OpenOptions,
): Promise<Admitted | Exclude<OpenedPayload, { kind: 'opened' }>> {
  let seal: Seal | null = null;
  try {
    if (resolved.kind === 'kept') return { kind: 'passed' };
    if (resolved.kind === 'denied') return { kind: 'failed', failure: resolved.failure, seal };
    if (resolved.kind === 'failed') throw resolved.error;
    const isReference = resolved.kind === 'fetched';
    const payload = isReference ? resolved.payload : readPayloadJson(json);
    const envelope = readEnvelope(payload);
    // A stored payload that is plain has nothing that says who may read it.
    if (envelope === null && isReference) throw plainStored();
    if (envelope === null) return { kind: 'passed' };
    const action: Action = isReference ? 'download' : 'decode';
    const { keyId } = envelope;
    seal = { namespace: envelope.namespace, domain: envelope.domain, keyId };
    const target = await targetOf(envelope, { keys, policy, principal }, action);
    if (target.kind === 'denied')
      return { kind: 'failed', failure: toDenial(target, target.target, action), seal };
    const { namespace, domain } = target.target;
    seal = { namespace, domain, keyId };
    if (namespace !== null && keys.namespace !== undefined && keys.namespace !== namespace)
      throw foreignNamespace(envelope);
    // Nothing encrypts for a namespace without a name, and no codec can be made for it.
    if (namespace === '') throw namelessNamespace(envelope);
    return { kind: 'admitted', payload, seal: { namespace, domain, keyId } };
  } catch (error) {
    return { kind: 'failed', failure: toPayloadFailure(error), seal };
  }
}

type FoundTarget =
  | { readonly kind: 'allowed'; readonly target: Target }
  | (Extract<Decision, { kind: 'denied' }> & { readonly target: Target | null });

/**
 * Where the payload belongs, if the caller may read it. The format of the samples authenticates neither namespace nor domain:
 * there the domain is that of the key, and there is no namespace. Only keys that the caller may use are looked for, so that
 * the answer tells nobody else whether there is such a key.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN
 */
async function targetOf(
  { namespace, domain, keyId, wrappedKey }: Envelope,
  { keys, policy, principal }: Pick<OpenOptions, 'keys' | 'policy' | 'principal'>,
  action: Action,
): Promise<FoundTarget> {
  if (namespace !== null && domain !== null) {
    const target = { namespace, domain };
    return { ...decide(policy, principal, target, action), target };
  }
  const decisions = keys.domains.map((candidate) => {
    const target: Target = { namespace: null, domain: candidate };
    return { target, decision: decide(policy, principal, target, action) };
  });
  const allowed = decisions.filter(({ decision }) => decision.kind === 'allowed');
  if (allowed.length === 0) {
    const isElevated = decisions.some(
      ({ decision }) => decision.kind === 'denied' && decision.reason === 'ELEVATION_REQUIRED',
    );
    return { kind: 'denied', reason: isElevated ? 'ELEVATION_REQUIRED' : 'ACCESS_DENIED', target: null };
  }
  // Keys of that format are the ring's own; one that is wrapped would only have a key service asked on behalf of anybody.
  for (const { target } of wrappedKey === null ? allowed : []) {
    const key = await Promise.resolve()
      .then(() => keys.findKey(target.domain, keyId, wrappedKey))
      .catch((error: unknown) => {
        if (isCodecError(error) && error.retryable) throw error;
        return null;
      });
    if (key?.isOfSamples === true) return { kind: 'allowed', target };
  }
  throw new CodecError(
    'CODEC_KEY_UNKNOWN',
    `Key ${keyId} is in no domain that you may read as a key of the samples' format.`,
    { keyId },
  );
}

/** Decrypts payloads of one namespace, each once however often it is in there. */
async function decrypt(
  group: readonly Admitted[],
  { keys, limits, hold }: OpenOptions,
  leftBytes: number,
): Promise<ReadonlyMap<Payload, DecodeOutcome>> {
  const [first] = group;
  const distinct = [...new Set(group.map(({ payload }) => payload))];
  if (leftBytes <= 0 || first === undefined)
    return new Map(distinct.map((payload) => [payload, { kind: 'failed', error: exhausted() }]));
  const { namespace, domain } = first.seal;
  let refusal: unknown;
  const codec = createCodec({
    keys,
    namespace: namespace ?? keys.namespace ?? 'samples',
    // Payloads of ours name their domain; it is needed for those of the samples.
    domain,
    isDecodeOnly: true,
    // Whoever asked can ask again.
    maxKeyWaitMs: 0,
    maxDecodedBytes: leftBytes,
    compression: {
      maxInflatedBytes: limits.perPayloadBytes,
      maxInflatedBytesPerCall: leftBytes,
      hold: {
        release: hold.release,
        take: (bytes) => {
          // What is refused as a whole decrypts nothing more.
          if (refusal !== undefined) throw exhausted();
          try {
            hold.take(bytes);
          } catch (error) {
            refusal ??= error;
            throw exhausted();
          }
        },
      },
    },
  });
  const outcomes = await codec.decodeEach(distinct);
  // An error of the codec is about payloads, and this is about the request.
  if (refusal !== undefined) throw refusal;
  return new Map(
    outcomes.flatMap((outcome, at) => (distinct[at] === undefined ? [] : [[distinct[at], outcome]])),
  );
}

function sizeOf({ metadata, data }: Payload): number {
  return Object.entries(metadata ?? {}).reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    data?.length ?? 0,
  );
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

function plainStored(): CodecError {
  return new CodecError(
    'CODEC_PLAIN_REFUSED',
    'A stored payload is not encrypted, so nobody may read it here.',
  );
}
