import { createCodec, type KeyRing } from '@heliograph/codec/codecs';

/**
 * Proves that the active key of every domain encrypts, and decrypts what it encrypted.
 *
 * @throws CodecError, or an error that names the domain.
 */
export async function proveKeys(keys: KeyRing): Promise<void> {
  const namespace = keys.namespace ?? 'readiness';
  const data = Buffer.from('"ready"');
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data };
  await Promise.all(
    keys.domains.map(async (domain) => {
      const codec = createCodec({ keys, namespace, domain });
      const [proved] = await codec.decode(await codec.encode([payload]));
      if (!data.equals(proved?.data ?? Buffer.alloc(0)))
        throw new Error(`the active key of the domain ${domain} does not decrypt what it encrypts`);
    }),
  );
}
