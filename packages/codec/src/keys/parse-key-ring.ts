import * as v from 'valibot';
import { CodecError } from '../contract/errors.ts';
import { type CodecKey, createKey } from './codec-key.ts';
import { assertDomain, createKeyRing, type DomainKeys, type KeyRing } from './key-ring.ts';

const keySchema = v.strictObject({
  id: v.string(),
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}=?$/, 'expected 32 bytes in base64url')),
  use: v.optional(v.picklist(['samples', 'claims'])),
});

/** Its domains are read one by one: records of valibot leave out names such as `constructor` without a word. */
const ringSchema = v.strictObject({
  domains: v.custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  ),
});

const domainSchema = v.strictObject({
  /** Id of the key that encrypts. */
  active: v.string(),
  keys: v.pipe(v.array(keySchema), v.minLength(1)),
});

/**
 * Reads a key ring out of JSON, as an environment variable or a file holds it:
 * `{"domains":{"dispatch":{"active":"k1","keys":[{"id":"k1","key":"<32 bytes in base64url>"}]}}}`. A key with
 * `"use":"samples"` decrypts payloads in the format of Temporal's official samples; one with `"use":"claims"` names large
 * payloads outside of histories, the first of them new ones.
 *
 * To rotate: add the new key to every process, then make it the active one; remove the old one when no history names it
 * any more.
 *
 * @throws CodecError CODEC_KEYS_INVALID, naming the place; never a key.
 */
export function parseKeyRing(json: string): KeyRing {
  return createKeyRing(parseDomainKeys(json));
}

/**
 * Reads the keys of a key ring, by domain, out of JSON; see {@link parseKeyRing}.
 *
 * @throws CodecError CODEC_KEYS_INVALID
 */
export function parseDomainKeys(json: string): Readonly<Record<string, DomainKeys>> {
  const { domains } = read(ringSchema, parseJson(json));
  return Object.fromEntries(
    Object.entries(domains).map(([domain, value]) => {
      assertDomain(domain);
      const { active, keys } = read(domainSchema, value, `domains.${domain}`);
      const claims = keys.filter(({ use }) => use === 'claims').map(toKey);
      const others = keys.filter(({ use }) => use !== 'claims').map(toKey);
      return [domain, { ...domainKeys(domain, active, others), claims }];
    }),
  );
}

function domainKeys(domain: string, active: string, all: readonly CodecKey[]): DomainKeys {
  const [first, ...twins] = all.filter(({ id }) => id === active);
  if (first !== undefined)
    return { active: first, others: [...all.filter(({ id }) => id !== active), ...twins] };
  throw new CodecError(
    'CODEC_KEYS_INVALID',
    `The key ring cannot be used: the active key of the domain ${domain} is not among its keys.`,
  );
}

/** The bytes of the key are in memory of their own, which is overwritten: small buffers share theirs with others. */
function toKey({ id, key, use }: v.InferOutput<typeof keySchema>): CodecKey {
  const bytes = Buffer.alloc(32);
  bytes.write(key, 'base64url');
  try {
    return createKey(id, bytes, { isOfSamples: use === 'samples' });
  } finally {
    bytes.fill(0);
  }
}

function read<T extends v.GenericSchema>(schema: T, value: unknown, place?: string): v.InferOutput<T> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = [place, v.getDotPath(issue)].filter((part) => typeof part === 'string').join('.');
  // The message of an issue quotes what it received, which may be a key.
  const isOurs = issue.type === 'regex' || issue.type === 'custom';
  const expected = isOurs ? issue.message : `expected ${issue.expected ?? 'something else'}`;
  throw new CodecError(
    'CODEC_KEYS_INVALID',
    `The key ring cannot be used: ${path === '' ? 'the key ring' : path}: ${expected}.`,
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new CodecError('CODEC_KEYS_INVALID', 'The key ring cannot be used: it is not JSON.');
  }
}
