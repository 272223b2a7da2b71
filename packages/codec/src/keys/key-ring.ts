import { CodecError } from '../contract/errors.ts';
import type { CodecKey } from './codec-key.ts';

/** The keys of one domain: the active one encrypts, any of them decrypts. */
export interface DomainKeys {
  readonly active: CodecKey;
  /** Keys that only decrypt. */
  readonly others: readonly CodecKey[];
  /**
   * Keys that name large payloads outside of histories and encrypt nothing: the first names new ones, all of them verify.
   * Their ids are 1 to 32 of `a-z 0-9 -`. Default none.
   */
  readonly claims?: readonly CodecKey[];
}

/** Keys by domain, for example `dispatch` or `health`. Who has only the keys of one domain reads only that domain. */
export interface KeyRing {
  /** The domains that it has keys of. */
  readonly domains: readonly string[];
  /** The namespace that its keys are bound to, where they are: a codec of another one is not created. */
  readonly namespace?: string;
  /**
   * The key that encrypts now. It is in memory from the start and outlives its source, so this never fails for a domain
   * of the ring.
   *
   * @param encryptions How many payloads it is about to encrypt, for rings that replace a key in time; default 1.
   * @throws CodecError CODEC_KEY_UNKNOWN for another domain.
   */
  activeKey(domain: string, encryptions?: number): CodecKey;
  /**
   * The key that a payload names, by id, and by its wrapped form where it has one.
   *
   * @throws CodecError CODEC_KEY_UNKNOWN, naming the id; CODEC_KEY_UNAVAILABLE where its source does not answer,
   *   CODEC_KEY_REFUSED where it does not give the key.
   */
  findKey(domain: string, keyId: string, wrapped: Uint8Array | null): CodecKey | Promise<CodecKey>;
  /**
   * The wrapped data key of a payload, wrapped by the newest version of the key that it names; null where nothing is to be
   * done: that version wrapped it already, the service shows no versions, or `keyId` is not the active key. It may then take
   * the place of `wrapped` beside the payload, whose ciphertext stays. Absent where no key is wrapped.
   *
   * @throws CodecError CODEC_KEY_UNKNOWN for another domain; CODEC_KEY_UNAVAILABLE or CODEC_KEY_REFUSED of its source.
   */
  rewrapKey?(domain: string, keyId: string, wrapped: Uint8Array): Promise<Uint8Array | null>;
  /** The keys that name large payloads of a domain, see {@link DomainKeys}; none for a domain that it does not know. */
  claimKeys?(domain: string): readonly CodecKey[];
}

const DOMAIN = /^[a-z0-9-]{1,32}$/;
const CLAIM_KEY_ID = /^[a-z0-9-]{1,32}$/;

/**
 * Creates a ring of keys that are known from the start.
 *
 * @throws CodecError CODEC_KEYS_INVALID for a domain that is not `[a-z0-9-]{1,32}`, an id that occurs twice in a domain,
 *   a key that names large payloads with an id that is not `[a-z0-9-]{1,32}`, or an active key of the samples' format.
 */
export function createKeyRing(domains: Readonly<Record<string, DomainKeys>>): KeyRing {
  const rings = new Map(
    Object.entries(domains).map(([domain, keys]) => [domain, ringOf(domain, keys)] as const),
  );
  return {
    domains: [...rings.keys()],
    activeKey: (domain) => findDomain(rings, domain, 'active').active,
    findKey(domain, keyId) {
      const key = findDomain(rings, domain, keyId).byId.get(keyId);
      if (key !== undefined) return key;
      throw new CodecError(
        'CODEC_KEY_UNKNOWN',
        `Key ${keyId} of the domain ${domain} is not in the key ring. Add it, as a key that only decrypts.`,
        { keyId },
      );
    },
    claimKeys: (domain) => rings.get(domain)?.claims ?? [],
  };
}

/**
 * What a ring has of a domain.
 *
 * @throws CodecError CODEC_KEY_UNKNOWN, naming the key, if it has nothing.
 */
export function findDomain<T>(rings: ReadonlyMap<string, T>, domain: string, keyId: string): T {
  const ring = rings.get(domain);
  if (ring !== undefined) return ring;
  throw new CodecError(
    'CODEC_KEY_UNKNOWN',
    `Key ${keyId}: this process has no keys of the domain ${domain}.`,
    { keyId },
  );
}

function ringOf(domain: string, { active, others, claims = [] }: DomainKeys) {
  assertDomain(domain);
  assertClaimKeys(domain, claims);
  if (active.isOfSamples)
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      `Key ${active.id} of the domain ${domain} is for the format of the samples, so it cannot be the active one.`,
      { keyId: active.id },
    );
  const byId = new Map([active, ...others].map((key) => [key.id, key]));
  if (new Set([...byId.keys(), ...claims.map(({ id }) => id)]).size !== others.length + claims.length + 1)
    throw new CodecError('CODEC_KEYS_INVALID', `A key id occurs twice in the domain ${domain}.`);
  return { active, byId, claims };
}

/** @throws CodecError CODEC_KEYS_INVALID for an id that cannot be a part of the name of an object. */
export function assertClaimKeys(domain: string, claims: readonly CodecKey[]): void {
  const unfit = claims.find(({ id }) => !CLAIM_KEY_ID.test(id));
  if (unfit !== undefined)
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      `Key ${unfit.id} of the domain ${domain} names large payloads, so its id has to be 1 to 32 lower-case letters, digits or dashes.`,
      { keyId: unfit.id },
    );
}

export function isDomain(domain: string): boolean {
  return DOMAIN.test(domain);
}

/** @throws CodecError CODEC_KEYS_INVALID */
export function assertDomain(domain: string): void {
  if (!isDomain(domain))
    throw new CodecError(
      'CODEC_KEYS_INVALID',
      'A domain has to be 1 to 32 lower-case letters, digits or dashes.',
    );
}
