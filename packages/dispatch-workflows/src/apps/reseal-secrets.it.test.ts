import { createSealer, parseKeyRing } from '@heliograph/database';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { appDraft, nextId, WEBHOOK_SECRET } from '../testing/store-drafts.ts';
import { createConnectedAppStore } from './connected-app-store.ts';
import { resealSecrets } from './reseal-secrets.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('reseal');
});
afterAll(() => ground.close());

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64url');
const before = createSealer(parseKeyRing(`r0:${key(11)}`));
const after = createSealer(parseKeyRing(`r1:${key(12)},r0:${key(11)}`));

test('secrets are sealed with the active key, once, and open as before; one that cannot be opened is named', async () => {
  const store = createConnectedAppStore(ground.postgres, before);
  const ids = Array.from({ length: 120 }, () => nextId('app'));
  for (const id of ids) await store.create(id, appDraft());
  const [broken = ''] = ids;
  const sound = ids.slice(1);
  await ground.postgres.sql`update dispatch.connected_apps set secret_sealed = '\\x01' where id = ${broken}`;
  await expect(resealSecrets(ground.postgres, after)).resolves.toEqual({ resealed: 119, failed: [broken] });
  await expect(resealSecrets(ground.postgres, after)).resolves.toEqual({ resealed: 0, failed: [broken] });
  const rotated = createConnectedAppStore(ground.postgres, createSealer(parseKeyRing(`r1:${key(12)}`)));
  for (const id of sound) await expect(rotated.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
  await expect(rotated.get(sound[0] ?? '')).resolves.toMatchObject({ version: 1, targetVersion: 1 });
});
