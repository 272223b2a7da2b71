import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { type HttpDouble, startHttpDouble, type WireAnswer, type WireRequest } from './http-double.ts';

/** A transit key of the double. */
export interface TransitKey {
  readonly derived: boolean;
  /** Material by version, from 1. */
  readonly versions: Buffer[];
  minDecryptionVersion: number;
}

/** A token of the double. */
export interface VaultToken {
  /** A policy: whether the token may use a path, with a context. */
  readonly allows: (path: string, context: string) => boolean;
}

/** HashiCorp Vault with a transit engine on this machine. */
export interface VaultDouble extends HttpDouble {
  readonly keys: Map<string, TransitKey>;
  readonly tokens: Map<string, VaultToken>;
  /** Namespace of Vault that the engine is in; empty is the root. */
  namespace: string;
}

/** Creates a transit key with one version. */
export function transitKey(derived = true): TransitKey {
  return { derived, versions: [randomBytes(32)], minDecryptionVersion: 1 };
}

/**
 * Starts a double of Vault: `datakey/plaintext/:name`, `encrypt/:name`, `decrypt/:name` and `rewrap/:name` of an engine at `/v1/transit`, with tokens and
 * namespaces. It has the properties of the transit engine's source: a key that is not derived ignores the context, and a
 * derived one refuses to work without it; statuses and errors are those of Vault.
 */
export async function startVaultDouble(): Promise<VaultDouble> {
  const keys = new Map<string, TransitKey>();
  const tokens = new Map<string, VaultToken>();
  const respond = (request: WireRequest): WireAnswer => {
    const { headers, url, method } = request;
    if (method !== 'POST' && method !== 'PUT') return refuseAsVault(405, 'unsupported operation');
    const token = tokens.get(String(headers['x-vault-token']));
    if (token === undefined)
      return refuseAsVault(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');
    const route = /^\/v1\/transit\/(datakey\/plaintext|encrypt|decrypt|rewrap)\/([\w.-]+)$/.exec(url);
    if ((headers['x-vault-namespace'] ?? '') !== double.namespace || route === null)
      return refuseAsVault(404, `no handler for route "${url.slice(4)}". route entry not found.`);
    const [path, operation, name = ''] = route;
    const body: TransitRequest = JSON.parse(request.body);
    const context = Buffer.from(body.context ?? '', 'base64').toString();
    if (!token.allows(path.slice(4), context))
      return refuseAsVault(403, '1 error occurred:\n\t* permission denied\n\n');
    const key = keys.get(name);
    if (key === undefined) return refuseAsVault(400, 'encryption key not found');
    if (operation === 'decrypt') return decrypt(key, body);
    if (operation === 'encrypt') return encrypt(key, body);
    return operation === 'rewrap' ? rewrap(key, body) : generateDataKey(key, body);
  };
  const double: VaultDouble = Object.assign(await startHttpDouble(respond), { keys, tokens, namespace: '' });
  return double;
}

interface TransitRequest {
  readonly context?: string;
  readonly ciphertext?: string;
  readonly plaintext?: string;
}

const MISSING_CONTEXT =
  "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key";

function generateDataKey(key: TransitKey, { context = '' }: TransitRequest): WireAnswer {
  if (key.derived && context === '') return refuseAsVault(400, MISSING_CONTEXT);
  const plaintext = randomBytes(32);
  return answer({ ...sealWith(key, plaintext, context), plaintext: plaintext.toString('base64') });
}

/** With the newest version of the key. */
function sealWith(key: TransitKey, plaintext: Buffer, context: string) {
  const iv = randomBytes(12);
  const version = key.versions.length;
  const cipher = createCipheriv('aes-256-gcm', keyFor(key, version, context), iv);
  const sealed = Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return { ciphertext: `vault:v${version}:${sealed.toString('base64')}`, key_version: version };
}

function encrypt(key: TransitKey, { context = '', plaintext }: TransitRequest): WireAnswer {
  if (plaintext === undefined) return refuseAsVault(400, 'missing plaintext to encrypt');
  if (key.derived && context === '') return refuseAsVault(400, MISSING_CONTEXT);
  return answer(sealWith(key, Buffer.from(plaintext, 'base64'), context));
}

function rewrap(key: TransitKey, request: TransitRequest): WireAnswer {
  const opened = decrypt(key, request);
  if (opened.status !== 200) return opened;
  const { data }: { data: { plaintext: string } } = JSON.parse(opened.body);
  return answer(sealWith(key, Buffer.from(data.plaintext, 'base64'), request.context ?? ''));
}

function decrypt(key: TransitKey, { context = '', ciphertext = '' }: TransitRequest): WireAnswer {
  if (ciphertext === '') return refuseAsVault(400, 'missing ciphertext to decrypt');
  const parts = /^vault:v(\d+):([A-Za-z0-9+/=]*)$/.exec(ciphertext);
  if (parts === null) return refuseAsVault(400, 'invalid ciphertext: no prefix');
  const version = Number(parts[1]);
  if (version > key.versions.length) return refuseAsVault(400, 'invalid ciphertext: version is too new');
  if (version < key.minDecryptionVersion)
    return refuseAsVault(400, 'ciphertext or signature version is disallowed by policy (too old)');
  if (key.derived && context === '') return refuseAsVault(400, MISSING_CONTEXT);
  const sealed = Buffer.from(parts[2] ?? '', 'base64');
  if (sealed.length < 28) return refuseAsVault(400, 'invalid ciphertext length');
  const decipher = createDecipheriv('aes-256-gcm', keyFor(key, version, context), sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    const plaintext = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    return answer({ plaintext: plaintext.toString('base64') });
  } catch {
    return refuseAsVault(400, 'cipher: message authentication failed');
  }
}

function keyFor({ derived, versions }: TransitKey, version: number, context: string): Buffer {
  const material = versions[version - 1] ?? Buffer.alloc(32);
  if (!derived) return material;
  return Buffer.from(hkdfSync('sha256', material, '', Buffer.from(context, 'base64'), 32));
}

function answer(data: object): WireAnswer {
  const body = { request_id: 'f00d', lease_id: '', renewable: false, lease_duration: 0, data, auth: null };
  return { status: 200, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

/** An error of Vault. */
export function refuseAsVault(status: number, ...errors: readonly string[]): WireAnswer {
  return { status, body: JSON.stringify({ errors }), headers: { 'content-type': 'application/json' } };
}
