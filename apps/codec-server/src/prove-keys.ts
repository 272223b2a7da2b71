import { createCodec, isCodecError, type KeyRing } from '@heliograph/codec/codecs';

/**
 * Proves that the active key of every domain encrypts, and decrypts what it encrypted. A domain that only decrypts here has
 * none, and nothing to prove without a payload.
 *
 * @throws CodecError, or an error that names the domain.
 */
export async function proveKeys(keys: KeyRing): Promise<void> {
  const namespace = keys.namespace ?? 'readiness';
  const data = Buffer.from('"ready"');
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data };
  await Promise.all(
    keys.domains
      .filter((domain) => encrypts(keys, domain))
      .map(async (domain) => {
        const codec = createCodec({ keys, namespace, domain });
        const [proved] = await codec.decode(await codec.encode([payload]));
        if (!data.equals(proved?.data ?? Buffer.alloc(0)))
          throw new Error(`the active key of the domain ${domain} does not decrypt what it encrypts`);
      }),
  );
}

function encrypts(keys: KeyRing, domain: string): boolean {
  try {
    keys.activeKey(domain, 0);
    return true;
  } catch (error) {
    if (isCodecError(error) && error.code === 'CODEC_DECODE_ONLY') return false;
    throw error;
  }
}
