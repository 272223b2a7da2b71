import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { claimsDatabase, connectTo } from '../../testing/claims-database.ts';
import { describeRegistry } from '../../testing/registry-contract.ts';
import { describeStore, nameOf } from '../../testing/store-contract.ts';
import { createPostgresRegistry, createPostgresStore } from './index.ts';

let postgres: Awaited<ReturnType<typeof claimsDatabase>>;
beforeAll(async () => {
  postgres = await claimsDatabase('claims');
});
afterAll(() => postgres.close());
const empty = async () => {
  await postgres.sql`truncate claims.names, claims.owners, claims.families, claims.condemned, claims.objects`;
};
beforeEach(empty);
const within = () => AbortSignal.timeout(20_000);

describeStore(() => createPostgresStore(postgres));
describeRegistry(() => createPostgresRegistry(postgres));

describe('PostgreSQL', () => {
  test('takes an object of 16 MiB and gives it back', async () => {
    const store = createPostgresStore(postgres);
    const bytes = Buffer.alloc(16 * 1024 * 1024, 7);
    await store.put(nameOf(1), bytes, within());
    const object = await store.get(nameOf(1), bytes.length, within());
    expect(bytes.equals(object?.bytes ?? new Uint8Array())).toBe(true);
  }, 180_000);

  test('does not delete the name of an object that got an owner meanwhile, whoever comes first', async () => {
    const registry = createPostgresRegistry(postgres);
    for (let round = 0; round < 40; round++) {
      const id = `c1-${round.toString(16).padStart(64, '0')}`;
      const first = await registry.claim(id, { namespace: 'prod', workflowId: 'w1' }, within());
      const [owner] = await registry.listOwners('prod', { after: null, limit: 1 }, within());
      if (owner !== undefined) await registry.disown(owner, within());
      const [name] = await Promise.all([
        registry.claim(id, { namespace: 'prod', workflowId: 'w2' }, within()),
        registry.condemn(10, within()),
      ]);
      const [condemned, current] = [
        await registry.listCondemned(100, within()),
        await registry.currentNames([first, name], within()),
      ];
      expect([...current]).toEqual([name]);
      expect(condemned.includes(first)).toBe(name !== first);
      await empty();
    }
  });

  test('that is away is retryable trouble, without a value of the query', async () => {
    const away = { sql: connectTo('postgres://127.0.0.1:1/none') };
    try {
      const id = `c1-${'0'.repeat(64)}`;
      for (const request of [
        () => createPostgresRegistry(away).claim(id, { namespace: 'prod', workflowId: 'w1' }, within()),
        () => createPostgresStore(away).get(nameOf(1), 9, within()),
      ]) {
        const error: unknown = await request().catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'CODEC_CLAIMS_UNAVAILABLE', retryable: true });
        expect(String(error)).not.toMatch(/127\.0|w1|c1-/);
      }
    } finally {
      await away.sql.end({ timeout: 1 });
    }
  });
});
