import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodecError, isCodecError } from '../contract/errors.ts';
import { assertKeyId } from './codec-key.ts';
import type { EnvelopeKeySource, KeyBinding } from './envelope-key-source.ts';
import { parseSecureUrl } from './secure-url.ts';

/** Options of {@link createVaultSource}. */
export interface VaultOptions {
  /** Id that payloads name, for example `vault-2026`; see `EnvelopeKeySource`. */
  readonly id: string;
  /** Address of Vault or of a proxy in front of it, for example `https://vault.example.org:8200`. */
  readonly address: string;
  /** Name of a transit key that was created with `derived=true`. */
  readonly keyName: string;
  /** File with the token. It is read at each request, so an agent may renew it. */
  readonly tokenFile: string;
  /** Path of the transit secrets engine; default `transit`. */
  readonly mount?: string;
  /** Namespace of Vault Enterprise or OpenBao; none by default. It has nothing to do with the namespace of the workflows. */
  readonly vaultNamespace?: string;
}

/** An answer of Vault that is its own, and not of a proxy in front of it. */
interface VaultAnswer {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly errors: string;
}

const RETRY_AFTER_MS = 200;

/**
 * Wraps data keys with a key of HashiCorp Vault's transit secrets engine (OpenBao has the same API). The derivation context
 * is `DOMAIN/NAMESPACE` in base64, so that a policy can limit a token to a domain (`allowed_parameters`). It needs `update`
 * on `MOUNT/datakey/plaintext/KEY` to encrypt, on `MOUNT/decrypt/KEY` to decrypt, and on `MOUNT/rewrap/KEY` to wrap data
 * keys anew (`MOUNT/encrypt/KEY` for those of another key; without `create`,
 * with which Vault would make a key that is missing).
 *
 * Vault ignores the context of a key that is not derived. Such a key is refused at its first use: it would not keep the
 * domains apart. Redirects are not followed, because they would take the token along.
 *
 * @throws {CodecError} CODEC_KEYS_INVALID for options that cannot be used.
 */
export function createVaultSource(options: VaultOptions): EnvelopeKeySource {
  const { id, keyName, tokenFile, mount = 'transit', vaultNamespace } = options;
  assertKeyId(id);
  if (!/^\w(?:[\w.-]*\w)?$/.test(keyName) || !/^\w[\w.-]*(?:\/\w[\w.-]*)*$/.test(mount))
    throw new CodecError('CODEC_KEYS_INVALID', `Key ${id}: the key name or mount of Vault is not valid.`, {
      keyId: id,
    });
  const { origin } = parseSecureUrl(options.address, id);
  const ask = (operation: string, body: object, signal: AbortSignal): Promise<VaultAnswer> =>
    twice(signal, async () => {
      const headers = {
        'content-type': 'application/json',
        'x-vault-request': 'true',
        'x-vault-token': await readToken(id, tokenFile),
        ...(vaultNamespace === undefined ? {} : { 'x-vault-namespace': vaultNamespace }),
      };
      const url = `${origin}/v1/${mount}/${operation}/${keyName}`;
      const request = {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        redirect: 'manual',
        signal,
      } as const;
      return readAnswer(id, await fetch(url, request).catch(() => unavailable(id, 'no connection')));
    });

  /** Operations for which the key has proved to be derived. */
  const proved = new Set<string>();
  /** A derived key refuses to work without a context; one that is not gives its answer. */
  const assertDerived = async (operation: string, body: object, signal: AbortSignal): Promise<void> => {
    if (proved.has(operation)) return;
    const answer = await ask(operation, body, signal);
    if (answer.status === 403)
      return refused(
        id,
        'the token may not ask without a context, which proves that the key is derived',
        403,
      );
    if (answer.status !== 400 || !answer.errors.includes("missing 'context'"))
      return refused(
        id,
        'the key is not derived, so it keeps no domains apart; create one with derived=true',
        0,
      );
    proved.add(operation);
  };
  const ciphertextOf = ({ data }: VaultAnswer): Uint8Array => {
    const { ciphertext } = data;
    return typeof ciphertext === 'string'
      ? Buffer.from(ciphertext)
      : unavailable(id, 'an answer without a data key');
  };
  const source: EnvelopeKeySource = {
    id,
    async generateDataKey(binding, signal) {
      const operation = 'datakey/plaintext';
      const { data } = succeeded(id, await ask(operation, { context: contextOf(binding) }, signal));
      const { plaintext, ciphertext } = data;
      if (typeof plaintext !== 'string' || typeof ciphertext !== 'string')
        return unavailable(id, 'an answer without a data key');
      await assertDerived(operation, {}, signal);
      return { plaintext: keyBytes(plaintext), wrapped: Buffer.from(ciphertext) };
    },
    async unwrapDataKey(wrapped, binding, signal) {
      const ciphertext = textOf(id, wrapped);
      const { data } = succeeded(
        id,
        await ask('decrypt', { ciphertext, context: contextOf(binding) }, signal),
      );
      const { plaintext } = data;
      if (typeof plaintext !== 'string') return unavailable(id, 'an answer without a data key');
      await assertDerived('decrypt', { ciphertext }, signal);
      return keyBytes(plaintext);
    },
    wrappingVersion(wrapped) {
      const [, version] =
        /^vault:v(\d{1,9}):/.exec(Buffer.from(wrapped.subarray(0, 32)).toString('latin1')) ?? [];
      return version === undefined ? null : Number(version);
    },
    async wrapDataKey(plaintext, binding, signal) {
      const body = { plaintext: Buffer.from(plaintext).toString('base64'), context: contextOf(binding) };
      const wrapped = ciphertextOf(succeeded(id, await ask('encrypt', body, signal)));
      await assertDerived('encrypt', { plaintext: Buffer.alloc(32).toString('base64') }, signal);
      return wrapped;
    },
    async rewrapDataKey(wrapped, from, binding, signal) {
      if (urlsOfSources.get(from) !== keyUrl) return null;
      const ciphertext = textOf(id, wrapped);
      const answer = await ask('rewrap', { ciphertext, context: contextOf(binding) }, signal);
      const rewrapped = ciphertextOf(succeeded(id, answer));
      await assertDerived('rewrap', { ciphertext }, signal);
      return rewrapped;
    },
  };
  const keyUrl = `${origin}/v1/${mount}/${keyName}?${vaultNamespace ?? ''}`;
  urlsOfSources.set(source, keyUrl);
  return source;
}

/** The keys of our own sources: Vault wraps anew what an older version of the same key wrapped. */
const urlsOfSources = new WeakMap<EnvelopeKeySource, string>();

/** @throws CodecError CODEC_KEY_REFUSED */
function textOf(id: string, wrapped: Uint8Array): string {
  const ciphertext = Buffer.from(wrapped).toString('latin1');
  if (/^[\x21-\x7e]+$/.test(ciphertext)) return ciphertext;
  return refused(id, 'the wrapped data key is not one of Vault', 0);
}

/** In memory of its own: small buffers share theirs, and an answer that comes too late is overwritten by nobody. */
function keyBytes(base64: string): Uint8Array {
  const bytes = Buffer.alloc(Buffer.byteLength(base64, 'base64'));
  return bytes.subarray(0, bytes.write(base64, 'base64'));
}

/** No domain has a slash, so no two bindings have the same context. */
function contextOf({ namespace, domain }: KeyBinding): string {
  return Buffer.from(`${domain}/${namespace}`).toString('base64');
}

async function readToken(id: string, path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => unavailable(id, 'its token file cannot be read'));
  const token = text.trim();
  return /^[\x21-\x7e]+$/.test(token) ? token : unavailable(id, 'its token file holds no token');
}

/** A lost connection or a restarting node is no reason to fail a task: both operations can be repeated. */
async function twice(signal: AbortSignal, run: () => Promise<VaultAnswer>): Promise<VaultAnswer> {
  try {
    return await run();
  } catch (error) {
    if (!isCodecError(error) || !error.retryable || signal.aborted) throw error;
    await sleep(RETRY_AFTER_MS);
    return run();
  }
}

/** @throws CodecError CODEC_KEY_UNAVAILABLE for what is not Vault's own answer about the key. */
async function readAnswer(id: string, response: Response): Promise<VaultAnswer> {
  const { status } = response;
  const text = await response.text().catch(() => unavailable(id, 'a truncated answer'));
  const body = parseObject(text);
  const errors = Array.isArray(body?.['errors']) ? body['errors'].map(String).join(' ') : null;
  const isOwn = status === 200 ? isObject(body?.['data']) : errors !== null;
  // 412: not replicated yet; 429: a quota; 472 and 473: a standby; 5xx: sealed, or a proxy that speaks for a node.
  // Some releases of Vault answer 500 for what does not decrypt, which says something about the key after all.
  const isForged = status === 500 && errors?.includes('message authentication failed') === true;
  const isOfKey = status === 200 || isForged || [400, 403, 404, 405].includes(status);
  if (!isOwn || !isOfKey) return unavailable(id, `status ${status}`);
  // Says nothing about the key: an agent renews the token.
  if (/invalid token|missing client token/.test(errors ?? ''))
    return unavailable(id, 'its token is not valid, or not any more');
  // A namespace that is locked for a while, for example.
  if (status === 403 && errors?.includes('permission denied') !== true) return unavailable(id, 'status 403');
  const data = body?.['data'];
  return { status, data: isObject(data) ? data : {}, errors: errors ?? '' };
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/permission denied/, 'the token may not use the key for this namespace and domain'],
  [/key not found|no handler for route|unsupported path|^$/, 'there is no such key'],
  [/too old/, 'the version of the key that wrapped the data key is retired (min_decryption_version)'],
  [
    /invalid ciphertext|unable to decrypt|authentication failed|too new|no such key version/,
    'the wrapped data key was changed, or was made for another namespace, domain or key',
  ],
];

/** @throws CodecError CODEC_KEY_REFUSED; what Vault says is matched, never passed on. */
function succeeded(id: string, answer: VaultAnswer): VaultAnswer {
  if (answer.status === 200) return answer;
  const [, reason = 'the request is not valid'] = REASONS.find(([says]) => says.test(answer.errors)) ?? [];
  return refused(id, reason, answer.status);
}

function refused(id: string, reason: string, status: number): never {
  const after = status === 0 ? '' : ` (status ${status})`;
  throw new CodecError('CODEC_KEY_REFUSED', `Key ${id} of Vault is refused: ${reason}${after}.`, {
    keyId: id,
  });
}

function unavailable(id: string, reason: string): never {
  throw new CodecError('CODEC_KEY_UNAVAILABLE', `Key ${id}: Vault is not available: ${reason}.`, {
    keyId: id,
    retryable: true,
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
