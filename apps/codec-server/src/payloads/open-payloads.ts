import {
  CodecError,
  createCompressionCodec,
  createEncryptionCodec,
  type Envelope,
  type KeyRing,
  readEnvelope,
} from '@heliograph/codec/codecs';
import type { Principal } from '@heliograph/service';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { decide, type Target } from '../policy/decide.ts';
import type { Action, Policy } from '../policy/policy.ts';
import { type PayloadJson, readPayloadJson } from '../wire/payload-json.ts';
import { type PayloadFailure, toDenial, toPayloadFailure } from './payload-failure.ts';
import { type ClaimStore, isStorageReference } from './storage-reference.ts';

/** What became of one payload. */
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
  const decrypt = createDecrypter(options.keys);
  const fetchClaim = createFetcher(options);
  const opened = await Promise.all(payloads.map((json) => openOne(json, options, { decrypt, fetchClaim })));
  // One after the other, so that the budget of the request holds.
  const budget = createBudget(options.limits);
  const results: OpenedPayload[] = [];
  for (const result of opened) results.push(await inflate(result, budget));
  return results;
}

type FetchClaim = (reference: Payload) => Promise<Payload>;
type Decrypt = (payload: Payload, seal: Seal) => Promise<Payload>;

async function openOne(
  json: PayloadJson,
  { claims, keys, policy, principal }: OpenOptions,
  { decrypt, fetchClaim }: { readonly decrypt: Decrypt; readonly fetchClaim: FetchClaim },
): Promise<OpenedPayload> {
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
    return { kind: 'opened', payload: await decrypt(payload, seal), seal };
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
  for (const candidate of keys.domains) {
    const key = await Promise.resolve()
      .then(() => keys.findKey(candidate, keyId, wrappedKey))
      .catch(() => null);
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

/** One codec per namespace of the request. */
function createDecrypter(keys: KeyRing): Decrypt {
  const codecs = new Map<string, PayloadCodec>();
  const [anyDomain] = keys.domains;
  return async (payload, { namespace, domain, keyId }) => {
    if (namespace !== null && keys.namespace !== undefined && keys.namespace !== namespace)
      throw new CodecError(
        'CODEC_NAMESPACE_FOREIGN',
        `A payload that was encrypted with key ${keyId} belongs to a namespace that this server has no keys of.`,
        { keyId },
      );
    const name = namespace ?? keys.namespace ?? 'default';
    // A domain in the envelope wins; it may be one that the ring lacks, and then its key is unknown.
    const fallback = namespace === null ? domain : (anyDomain ?? domain);
    const at = `${fallback}/${name}`;
    const codec = codecs.get(at) ?? createEncryptionCodec({ keys, namespace: name, domain: fallback });
    codecs.set(at, codec);
    const [decrypted] = await codec.decode([payload]);
    if (decrypted === undefined) throw new TypeError('a codec returned no payload');
    return decrypted;
  };
}

/** How large the payloads of one request may become, once they are decompressed. */
interface Budget {
  readonly perPayloadBytes: number;
  leftBytes: number;
}

function createBudget({ perPayloadBytes, perRequestBytes }: OpenOptions['limits']): Budget {
  return { perPayloadBytes, leftBytes: perRequestBytes };
}

async function inflate(result: OpenedPayload, budget: Budget): Promise<OpenedPayload> {
  if (result.kind !== 'opened') return result;
  try {
    const maxInflatedBytes = Math.min(budget.perPayloadBytes, budget.leftBytes);
    if (maxInflatedBytes < 1) throw exhausted();
    const [payload] = await createCompressionCodec({ maxInflatedBytes }).decode([result.payload]);
    if (payload === undefined) throw new TypeError('a codec returned no payload');
    const bytes = payload.data?.length ?? 0;
    if (bytes > maxInflatedBytes) throw exhausted();
    budget.leftBytes -= bytes;
    return { ...result, payload };
  } catch (error) {
    return { kind: 'failed', failure: toPayloadFailure(error), seal: result.seal };
  }
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
