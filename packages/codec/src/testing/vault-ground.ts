import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVaultDouble, transitKey } from '@heliograph/simulators';
import { createKey } from '../keys/codec-key.ts';
import {
  createEnvelopeKeyRing,
  type EnvelopeKeyRing,
  type EnvelopeKeyRingOptions,
} from '../keys/envelope-key-ring.ts';
import { createVaultSource } from '../keys/vault-source.ts';

/** A Vault with the key `payloads`, whose material can be rotated, and rings of the domain `dispatch` that use it. */
export async function vaultGround() {
  const vault = await startVaultDouble();
  const key = transitKey();
  vault.keys.set('payloads', key).set('others', transitKey());
  vault.tokens.set('t0k3n', { allows: () => true });
  const folder = await mkdtemp(join(tmpdir(), 'codec-vault-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 't0k3n');
  const rings: EnvelopeKeyRing[] = [];
  const source = (id = 'vault', keyName = 'payloads') =>
    createVaultSource({ id, address: vault.address, keyName, tokenFile });
  return {
    vault,
    key,
    source,
    /** As a process that starts now has it, with a data key of its own. */
    ring: async (options: Partial<EnvelopeKeyRingOptions> = {}): Promise<EnvelopeKeyRing> => {
      const claims = [createKey('c1', Buffer.alloc(32, 9))];
      const domains = { dispatch: { active: source(), claims } };
      const ring = await createEnvelopeKeyRing({ namespace: 'prod', domains, ...options });
      rings.push(ring);
      return ring;
    },
    /** Adds a version of the key, as `vault write -f transit/keys/payloads/rotate` does. */
    rotate: (): void => void key.versions.push(Buffer.alloc(32, key.versions.length)),
    /** How often it was asked for an operation, since the last time. */
    takeRequests: (): Readonly<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const { url } of vault.requests.splice(0)) {
        const operation = url.split('/').slice(3, -1).join('/');
        counts[operation] = (counts[operation] ?? 0) + 1;
      }
      return counts;
    },
    close: async (): Promise<void> => {
      for (const ring of rings) ring.close();
      await Promise.all([vault.close(), rm(folder, { recursive: true })]);
    },
  };
}
