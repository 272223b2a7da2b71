import * as v from 'valibot';
import { CodecError } from '../contract/errors.ts';
import { type CodecKey, createKey } from './codec-key.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';

const keySchema = v.strictObject({
  id: v.string(),
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}=?$/, 'expected 32 bytes in base64url')),
  use: v.optional(v.picklist(['samples'])),
});

const ringSchema = v.strictObject({
  domains: v.record(
    v.string(),
    v.strictObject({
      /** Id of the key that encrypts. */
      active: v.string(),
      keys: v.pipe(v.array(keySchema), v.minLength(1)),
    }),
  ),
});

/**
 * Reads a key ring out of JSON, as an environment variable or a file holds it:
 * `{"domains":{"dispatch":{"active":"k1","keys":[{"id":"k1","key":"<32 bytes in base64url>"}]}}}`. A key with
 * `"use":"samples"` decrypts payloads in the format of Temporal's official samples.
 *
 * To rotate: add the new key to every process, then make it the active one; remove the old one when no history names it
 * any more.
 *
 * @throws CodecError CODEC_KEYS_INVALID, naming the place; never a key.
 */
export function parseKeyRing(json: string): KeyRing {
  const parsed = v.safeParse(ringSchema, parseJson(json));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? 'the key ring';
    // The message of an issue quotes what it received, which may be a key.
    const expected =
      issue.type === 'regex' ? issue.message : `expected ${issue.expected ?? 'something else'}`;
    throw new CodecError('CODEC_KEYS_INVALID', `The key ring cannot be used: ${path}: ${expected}.`);
  }
  return createKeyRing(
    Object.fromEntries(
      Object.entries(parsed.output.domains).map(([domain, { active, keys }]) => {
        const all = keys.map(({ id, key, use }) =>
          createKey(id, Buffer.from(key, 'base64url'), { isOfSamples: use === 'samples' }),
        );
        const others = all.filter(({ id }) => id !== active);
        const [first, ...twins]: readonly CodecKey[] = all.filter(({ id }) => id === active);
        if (first === undefined)
          throw new CodecError(
            'CODEC_KEYS_INVALID',
            `The key ring cannot be used: the active key of the domain ${domain} is not among its keys.`,
          );
        return [domain, { active: first, others: [...others, ...twins] }];
      }),
    ),
  );
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new CodecError('CODEC_KEYS_INVALID', 'The key ring cannot be used: it is not JSON.');
  }
}
