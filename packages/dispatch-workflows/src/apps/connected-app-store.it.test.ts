import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeApps } from '../testing/app-contract.ts';
import { dispatchStores } from '../testing/dispatch-ground.ts';
import { appDraft, nextId, WEBHOOK_SECRET } from '../testing/store-drafts.ts';

let ground: Awaited<ReturnType<typeof dispatchStores>>;
beforeAll(async () => {
  ground = await dispatchStores('apps');
});
afterAll(() => ground.close());

describe('a connected app', () => {
  test('keeps its secret sealed: nothing in the table reads like it', async () => {
    const id = nextId('app');
    await ground.connectedApps.create(id, appDraft());
    const [row] = await ground.postgres.sql<{ text: string; bytes: string; key: string }[]>`
      select row_to_json(a)::text as text, encode(secret_sealed, 'escape') as bytes, secret_key_id as key
      from dispatch.connected_apps a where id = ${id}`;
    const encoded = WEBHOOK_SECRET.slice('whsec_'.length);
    for (const clear of [WEBHOOK_SECRET, encoded, Buffer.from(encoded, 'base64').toString('latin1')]) {
      expect(row?.text).not.toContain(clear);
      expect(row?.bytes).not.toContain(clear);
    }
    expect(row?.key).toBe('k1');
    await expect(ground.connectedApps.secretOf(id)).resolves.toBe(WEBHOOK_SECRET);
    expect(JSON.stringify(await ground.connectedApps.get(id))).not.toContain(encoded);
  });

  test('whose sealed secret was copied from another app cannot be opened', async () => {
    const [from, to] = [nextId('app'), nextId('app')];
    await ground.connectedApps.create(from, appDraft());
    await ground.connectedApps.create(to, appDraft());
    await ground.postgres.sql`
      update dispatch.connected_apps set secret_sealed = (
        select secret_sealed from dispatch.connected_apps where id = ${from}) where id = ${to}`;
    await expect(ground.connectedApps.secretOf(to)).rejects.toMatchObject({
      code: 'DATABASE_SEALED_CORRUPT',
      retryable: false,
    });
  });
});

describeApps(() => ({
  ...ground,
  age: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));
