import { createHash } from 'node:crypto';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { callSource, createLimiter, type Limiter } from './call-source.ts';
import { assertKeyId, type CodecKey, createKey } from './codec-key.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import { createKeyCache, type KeyCache } from './key-cache.ts';
import { assertDomain, findDomain, type KeyRing } from './key-ring.ts';
import { notify } from './notify.ts';
import { createRotatingKey, type RotatingKey, type RotationPolicy } from './rotating-key.ts';

/** The keys of one domain of an envelope key ring. */
export interface EnvelopeKeys {
  /** Wraps the data keys that encrypt. */
  readonly active: EnvelopeKeySource;
  /** Sources that only unwrap, for example of the key management service that was used before. */
  readonly others?: readonly EnvelopeKeySource[];
  /** Keys of our own that only decrypt, from before there was a key management service. */
  readonly keys?: readonly CodecKey[];
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
  /** How many unwrapped data keys are kept in memory, beside the active ones; default 1,000. */
  readonly maxKeys?: number;
  /** How long an unwrapped data key is kept in memory; default 3,600,000. A permission that is taken away works after it. */
  readonly keyLifetimeMs?: number;
  /** How long a refusal is repeated without asking the source again; default 30,000. */
  readonly refusalLifetimeMs?: number;
  /** How long a source may take to answer; default 5,000. */
  readonly timeoutMs?: number;
  /** Receives the domain whose data key was replaced. */
  readonly onRotation?: (domain: string) => unknown;
  /** Receives that a data key cannot be replaced: at once, then once a minute. The old one goes on encrypting. */
  readonly onProblem?: (error: CodecError, domain: string) => unknown;
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
/** Requests for data keys that one source has at a time: a page of unknown payloads is no storm for it. */
const MAX_UNWRAPS = 32;
/** What AWS KMS accepts; keys of Vault are shorter. */
const MAX_WRAPPED_BYTES = 6144;
const MAX_ENCRYPTIONS = 2 ** 30;

/**
 * Creates a key ring of envelope keys. Each domain has one active data key at a time, which is in memory before this
 * resolves and is replaced in the background; if its source is away, the old one goes on encrypting. Wrapped data keys of
 * payloads are unwrapped once, whoever asks, and kept for a while.
 *
 * @throws {CodecError} CODEC_KEYS_INVALID for options that cannot be used; CODEC_KEY_UNAVAILABLE or CODEC_KEY_REFUSED if a
 *   source gives no first data key.
 */
export async function createEnvelopeKeyRing(options: EnvelopeKeyRingOptions): Promise<EnvelopeKeyRing> {
  const {
    namespace,
    domains,
    maxKeys = 1000,
    keyLifetimeMs = 3_600_000,
    refusalLifetimeMs = 30_000,
  } = options;
  assertOptions(options);
  const now = (): number => performance.now();
  const cache = createKeyCache({
    maxKeys,
    lifetimeMs: keyLifetimeMs,
    refusalLifetimeMs,
    backoffMs: BACKOFF_MS,
    now,
  });
  const limits = new Map<EnvelopeKeySource, Limiter>();
  const limitOf = (source: EnvelopeKeySource): Limiter => {
    const limit = limits.get(source) ?? createLimiter(MAX_UNWRAPS);
    limits.set(source, limit);
    return limit;
  };
  for (const [domain, keys] of Object.entries(domains)) assertKeys(domain, keys);
  const shared = { options, cache, limitOf, now };
  const rings = new Map(
    await Promise.all(
      Object.entries(domains).map(
        async ([domain, keys]) =>
          [domain, await createDomainRing({ namespace, domain }, keys, shared)] as const,
      ),
    ),
  );
  const timer = setInterval(() => {
    for (const { active } of rings.values()) active.rotateIfDue();
    cache.sweep();
  }, CHECK_EVERY_MS).unref();
  return {
    domains: [...rings.keys()],
    namespace,
    activeKey: (domain, encryptions = 1) => findDomain(rings, domain, 'active').active.use(encryptions),
    findKey: (domain, keyId, wrapped) => findDomain(rings, domain, keyId).find(keyId, wrapped),
    close: () => clearInterval(timer),
  };
}

interface DomainRing {
  readonly active: RotatingKey;
  readonly find: (keyId: string, wrapped: Uint8Array | null) => CodecKey | Promise<CodecKey>;
}

interface Shared {
  readonly options: EnvelopeKeyRingOptions;
  readonly cache: KeyCache;
  readonly limitOf: (source: EnvelopeKeySource) => Limiter;
  readonly now: () => number;
}

async function createDomainRing(
  binding: KeyBinding,
  keys: EnvelopeKeys,
  { options, cache, limitOf, now }: Shared,
): Promise<DomainRing> {
  const { timeoutMs = 5000, onProblem, onRotation, random = Math.random } = options;
  const { domain } = binding;
  const active = await createRotatingKey({
    policy: rotationPolicy(options),
    generate: () => generateKey(keys.active, binding, timeoutMs),
    onRotation: (before) => {
      cache.store(nameOf(domain, before.id, before.wrapped ?? new Uint8Array()), before);
      notify(() => onRotation?.(domain));
    },
    onProblem: (problem) => notify(() => onProblem?.(rotationProblem(problem, keys.active, domain), domain)),
    now,
    random,
  });
  const sources = new Map([keys.active, ...(keys.others ?? [])].map((source) => [source.id, source]));
  const own = new Map((keys.keys ?? []).map((key) => [key.id, key]));
  return {
    active,
    find(keyId, wrapped) {
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
      const current = active.current();
      if (current.wrapped !== null && current.id === keyId && Buffer.compare(current.wrapped, wrapped) === 0)
        return current;
      // The bytes are the caller's, who may change them while the source is asked.
      const copy = Uint8Array.from(wrapped);
      return cache.find(nameOf(domain, keyId, wrapped), async () => {
        const limit = limitOf(source);
        const plaintext = await callSource(source, { timeoutMs, limit }, (signal) =>
          source.unwrapDataKey(copy, binding, signal),
        );
        return toKey(source, plaintext, copy);
      });
    },
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

function assertKeys(domain: string, { active, others = [], keys = [] }: EnvelopeKeys): void {
  assertDomain(domain);
  const ids = [active, ...others, ...keys].map(({ id }) => id);
  for (const id of ids) assertKeyId(id);
  if (new Set(ids).size !== ids.length)
    throw new CodecError('CODEC_KEYS_INVALID', `A key id occurs twice in the domain ${domain}.`);
}
