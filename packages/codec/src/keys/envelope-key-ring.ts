import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { callSource } from './call-source.ts';
import { assertKeyId, type CodecKey, createKey } from './codec-key.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import { createKeyCache, type KeyCache, type KeyCacheOptions } from './key-cache.ts';
import { createKeyRewrapper, type KeyRewrapper } from './key-rewrapper.ts';
import { assertClaimKeys, assertDomain, findDomain, type KeyRing } from './key-ring.ts';
import { notify } from './notify.ts';
import { MAX_WRAPPED_BYTES } from './wrapped-key.ts';
import { counted } from './count-request.ts';
import type { CodecMetrics } from '../telemetry/codec-metrics.ts';
import { createRotatingKey, type RotatingKey, type RotationPolicy } from './rotating-key.ts';
import type { Limiter } from './run-within.ts';

/** The keys of one domain of an envelope key ring. */
export interface EnvelopeKeys {
  /**
   * Wraps the data keys that encrypt. Left out, nothing encrypts in this domain (CODEC_DECODE_ONLY): for a process that may
   * only decrypt, whose role lacks the permission to make data keys.
   */
  readonly active?: EnvelopeKeySource;
  /** Sources that only unwrap, for example of the key management service that was used before. */
  readonly others?: readonly EnvelopeKeySource[];
  /** Keys of our own that only decrypt, from before there was a key management service. */
  readonly keys?: readonly CodecKey[];
  /** Keys of our own that name large payloads, see `DomainKeys`. */
  readonly claims?: readonly CodecKey[];
}

/** Options of {@link createEnvelopeKeyRing}; durations in milliseconds. */
export interface EnvelopeKeyRingOptions {
  /** Namespace of the workflows; data keys are bound to it. */
  readonly namespace: string;
  readonly domains: Readonly<Record<string, EnvelopeKeys>>;
  /** The longest that one data key encrypts while its source answers; default 3,600,000. */
  readonly windowMs?: number;
  /** After how many payloads a data key is replaced; default and maximum 2³⁰, a quarter of what AES-GCM allows. */
  readonly maxEncryptions?: number;
  /** How many unwrapped data keys of a domain are kept in memory, beside the active one; default 1,000. */
  readonly maxKeys?: number;
  /**
   * How long an unwrapped data key is used without asking its source again; default 3,600,000. A permission that is taken
   * away works after it.
   */
  readonly keyLifetimeMs?: number;
  /** How much longer it is used while its source is away; default 600,000. */
  readonly staleKeyMs?: number;
  /** How long a refusal is repeated without asking the source again; default 30,000. */
  readonly refusalLifetimeMs?: number;
  /** How long a source may take to answer; default 5,000. */
  readonly timeoutMs?: number;
  /** Receives the domain whose data key was replaced. */
  readonly onRotation?: (domain: string) => unknown;
  /** Receives that a data key cannot be replaced: at once, then once a minute. The old one goes on encrypting. */
  readonly onProblem?: (error: CodecError, domain: string) => unknown;
  /** Receives what is counted; see `createCodecMetrics`. */
  readonly metrics?: Pick<CodecMetrics, 'keyRequested' | 'keyRotated'>;
  /** From 0 to 1; default `Math.random`. Spreads the requests of processes that start together. */
  readonly random?: () => number;
}

/** A key ring whose data keys are wrapped by a key management service. */
export interface EnvelopeKeyRing extends KeyRing {
  /** Ends the rotation; the ring stays usable with the keys that it has. */
  close(): void;
}

const CHECK_EVERY_MS = 1000;
const BACKOFF_MS = 1000;
/**
 * Requests for data keys that a domain has at a time: a page of unknown payloads is no storm for a source. Each domain has
 * its own, and its own cache: whoever can write forged envelopes in one domain holds nothing up in another.
 */
const MAX_UNWRAPS = 32;
const MAX_ENCRYPTIONS = 2 ** 30;
/** Data keys of a domain that were wrapped anew lately: a month of those of ten processes. */
const MAX_REWRAPPED = 10_000;

/**
 * Creates a key ring of envelope keys. Each domain has one active data key at a time, which is in memory before this
 * resolves and is replaced in the background; if its source is away, the old one goes on encrypting. Wrapped data keys of
 * payloads are unwrapped once, whoever asks, and kept for a while.
 *
 * @throws {CodecError} CODEC_KEYS_INVALID for options that cannot be used; CODEC_KEY_UNAVAILABLE or CODEC_KEY_REFUSED if a
 *   source gives no first data key.
 */
export async function createEnvelopeKeyRing(options: EnvelopeKeyRingOptions): Promise<EnvelopeKeyRing> {
  const { namespace, domains } = options;
  assertOptions(options);
  for (const [domain, keys] of Object.entries(domains)) assertKeys(domain, keys);
  const rings = new Map(
    await Promise.all(
      Object.entries(domains).map(
        async ([domain, keys]) =>
          [domain, await createDomainRing({ namespace, domain }, keys, options)] as const,
      ),
    ),
  );
  const timer = setInterval(() => {
    for (const { active, caches } of rings.values()) {
      active?.rotateIfDue();
      for (const cache of caches) cache.sweep();
    }
  }, CHECK_EVERY_MS).unref();
  return {
    domains: [...rings.keys()],
    namespace,
    activeKey(domain, encryptions = 1) {
      const { active } = findDomain(rings, domain, 'active');
      if (active !== null) return active.use(encryptions);
      throw new CodecError(
        'CODEC_DECODE_ONLY',
        `Nothing is encrypted in the domain ${domain}: this process has only keys of it that decrypt.`,
      );
    },
    findKey: (domain, keyId, wrapped) => findDomain(rings, domain, keyId).find(keyId, wrapped),
    rewrapKey: async (domain, keyId, wrapped) => {
      const { rewrapper } = findDomain(rings, domain, keyId);
      return domains[domain]?.active?.id === keyId ? (rewrapper?.rewrap(wrapped) ?? null) : null;
    },
    claimKeys: (domain) => domains[domain]?.claims ?? [],
    close: () => clearInterval(timer),
  };
}

interface DomainRing {
  /** Null where nothing encrypts. */
  readonly active: RotatingKey | null;
  /** Null where nothing encrypts. */
  readonly rewrapper: KeyRewrapper | null;
  readonly caches: readonly KeyCache[];
  readonly find: (keyId: string, wrapped: Uint8Array | null) => CodecKey | Promise<CodecKey>;
}

async function createDomainRing(
  binding: KeyBinding,
  keys: EnvelopeKeys,
  options: EnvelopeKeyRingOptions,
): Promise<DomainRing> {
  const { timeoutMs = 5000, maxKeys = 1000, keyLifetimeMs = 3_600_000, staleKeyMs = 600_000 } = options;
  const { refusalLifetimeMs = 30_000, onProblem, onRotation, metrics, random = Math.random } = options;
  const { domain } = binding;
  const now = (): number => performance.now();
  const lifetimes: Omit<KeyCacheOptions, 'maxKeys'> = {
    lifetimeMs: keyLifetimeMs,
    staleMs: staleKeyMs,
    refusalLifetimeMs,
    backoffMs: BACKOFF_MS,
    now,
  };
  const cache = createKeyCache({ ...lifetimes, maxKeys });
  const rewrapped = createKeyCache({ ...lifetimes, maxKeys: MAX_REWRAPPED });
  const limit: Limiter = pLimit(MAX_UNWRAPS);
  const startActive = (source: EnvelopeKeySource): Promise<RotatingKey> =>
    createRotatingKey({
      policy: rotationPolicy(options),
      generate: () => counted(metrics, source, 'generate', generateKey(source, binding, timeoutMs)),
      onRotation(before) {
        cache.store(nameOf(domain, before.id, before.wrapped ?? new Uint8Array()), before);
        metrics?.keyRotated({ domain });
        notify(() => onRotation?.(domain));
      },
      onProblem: (problem) => notify(() => onProblem?.(rotationProblem(problem, source, domain), domain)),
      now,
      random,
    });
  const active = keys.active === undefined ? null : await startActive(keys.active);
  const sources = new Map(sourcesOf(keys).map((source) => [source.id, source]));
  const own = new Map((keys.keys ?? []).map((key) => [key.id, key]));
  const find = (keyId: string, wrapped: Uint8Array | null): CodecKey | Promise<CodecKey> => {
    const key = own.get(keyId);
    if (key !== undefined) return key;
    const source = sources.get(keyId);
    if (source === undefined)
      throw new CodecError(
        'CODEC_KEY_UNKNOWN',
        `Key ${keyId} of the domain ${domain} is not in the key ring. Add its source, as one that only unwraps.`,
        { keyId },
      );
    if (wrapped === null || wrapped.length > MAX_WRAPPED_BYTES)
      throw new CodecError(
        'CODEC_CORRUPT',
        `A payload that was encrypted with key ${keyId} has no wrapped data key, or none of a usable size.`,
        { keyId },
      );
    const current = active?.current();
    if (current?.wrapped != null && current.id === keyId && Buffer.compare(current.wrapped, wrapped) === 0)
      return current;
    // The bytes are the caller's, who may change them while the source is asked.
    const copy = Uint8Array.from(wrapped);
    return cache.find(nameOf(domain, keyId, wrapped), async () => {
      const asked = callSource(source, { timeoutMs, limit }, (signal) =>
        source.unwrapDataKey(copy, binding, signal),
      );
      return toKey(source, await counted(metrics, source, 'unwrap', asked), copy);
    });
  };
  const startRewrapper = (source: EnvelopeKeySource, key: RotatingKey): KeyRewrapper =>
    createKeyRewrapper({
      source,
      binding,
      timeoutMs,
      cache: rewrapped,
      current: () => key.current(),
      metrics,
      unwrap: (wrapped) => find(source.id, wrapped),
    });
  return {
    active,
    rewrapper: keys.active === undefined || active === null ? null : startRewrapper(keys.active, active),
    caches: [cache, rewrapped],
    find,
  };
}

async function generateKey(
  source: EnvelopeKeySource,
  binding: KeyBinding,
  timeoutMs: number,
): Promise<CodecKey> {
  const { plaintext, wrapped } = await callSource(source, { timeoutMs }, (signal) =>
    source.generateDataKey(binding, signal),
  );
  if (wrapped.length > 0 && wrapped.length <= MAX_WRAPPED_BYTES) return toKey(source, plaintext, wrapped);
  plaintext.fill(0);
  throw new CodecError(
    'CODEC_KEY_REFUSED',
    `Key ${source.id}: its source wrapped a data key into ${wrapped.length} bytes, which is no usable size.`,
    { keyId: source.id },
  );
}

/** Makes the key of its 32 bytes, and overwrites them. */
function toKey({ id }: EnvelopeKeySource, plaintext: Uint8Array, wrapped: Uint8Array): CodecKey {
  try {
    if (plaintext.length === 32) return createKey(id, plaintext, { wrapped });
    throw new CodecError(
      'CODEC_KEY_REFUSED',
      `Key ${id}: its source gave a data key of ${plaintext.length} bytes, not of 32.`,
      { keyId: id },
    );
  } finally {
    plaintext.fill(0);
  }
}

function sourcesOf({ active, others = [] }: EnvelopeKeys): readonly EnvelopeKeySource[] {
  return active === undefined ? others : [active, ...others];
}

function rotationPolicy({ windowMs = 3_600_000, maxEncryptions }: EnvelopeKeyRingOptions): RotationPolicy {
  return { windowMs, maxEncryptions: Math.min(maxEncryptions ?? MAX_ENCRYPTIONS, MAX_ENCRYPTIONS) };
}

function rotationProblem(problem: unknown, { id }: EnvelopeKeySource, domain: string): CodecError {
  const [code, retryable, message] = isCodecError(problem)
    ? [problem.code, problem.retryable, problem.message]
    : (['CODEC_KEY_UNAVAILABLE', true, `Key ${id}: unknown error.`] as const);
  return new CodecError(
    code,
    `The data key of the domain ${domain} cannot be replaced, so the old one goes on encrypting. ${message}`,
    { keyId: id, retryable },
  );
}

/** A name for one wrapped data key; neither a domain nor a key id has a slash. */
function nameOf(domain: string, keyId: string, wrapped: Uint8Array): string {
  return createHash('sha256').update(`${domain}/${keyId}/`).update(wrapped).digest('base64');
}

function assertOptions({ namespace, ...options }: EnvelopeKeyRingOptions): void {
  if (typeof namespace !== 'string' || namespace === '')
    throw new CodecError('CODEC_KEYS_INVALID', 'An envelope key ring needs the namespace of its workflows.');
  for (const [name, value] of Object.entries(options))
    if (typeof value === 'number' && !(value > 0))
      throw new CodecError('CODEC_KEYS_INVALID', `${name} of an envelope key ring has to be above 0.`);
}

function assertKeys(domain: string, keys: EnvelopeKeys): void {
  assertDomain(domain);
  assertClaimKeys(domain, keys.claims ?? []);
  const ids = [...sourcesOf(keys), ...(keys.keys ?? []), ...(keys.claims ?? [])].map(({ id }) => id);
  if (ids.length === 0)
    throw new CodecError('CODEC_KEYS_INVALID', `The domain ${domain} has no keys and no sources of keys.`);
  for (const id of ids) assertKeyId(id);
  if (new Set(ids).size !== ids.length)
    throw new CodecError('CODEC_KEYS_INVALID', `A key id occurs twice in the domain ${domain}.`);
}
