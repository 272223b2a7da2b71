import { connectPostgres } from '@heliograph/database';
import { uuidV7Ids } from '@heliograph/service';
import { eventually, freshPostgres } from '@heliograph/testkit';
import { nextId } from '../api/translate-refusal.ts';
import { createAuthStores } from '../create-auth-stores.ts';
import { makeKey } from '../keys/key-format.ts';
import type { ApiKeyDraft } from '../keys/key-store.ts';
import { migrateAuth } from '../migrate.ts';
import type { LoginHolder } from '../tokens/login-holder.ts';

/** A fresh database with the schema in place, and the stores over it. */
export async function authGround(label: string) {
  const database = await freshPostgres(label);
  const postgres = connectPostgres({ url: database.url, applicationName: label });
  await migrateAuth(postgres);
  const stores = createAuthStores(postgres);
  return {
    url: database.url,
    postgres,
    ...stores,
    async addMember(subject: string, tenant = 'default'): Promise<LoginHolder> {
      const who = { issuer: 'https://id.example.com', subject, tenant };
      const { id } = await stores.members.create({ ...who, id: nextId(uuidV7Ids), name: null, roles: [] });
      return { kind: 'member', id };
    },
    async addKey(more: Partial<Pick<ApiKeyDraft, 'tenant' | 'expiresAt'>> = {}): Promise<LoginHolder> {
      const id = nextId(uuidV7Ids);
      const { prefix, digest } = makeKey();
      const draft = { id, name: id, prefix, digest, scopes: [], roles: [], createdBy: 'x' };
      await stores.keys.create({ tenant: null, expiresAt: null, ...draft, ...more });
      return { kind: 'key', id };
    },
    /** Removes the member, or revokes the key. */
    async end({ kind, id }: LoginHolder): Promise<void> {
      if (kind === 'member') await stores.members.remove(await stores.members.get(id, null));
      else await stores.keys.revoke(id, null);
    },
    /** Waits until so many sessions of this database wait for a lock. */
    waiting: (sessions: number) =>
      eventually(`${sessions} sessions wait`, async () => {
        const rows = await postgres.sql`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return rows.length === sessions ? true : undefined;
      }),
    /** Waits until nothing runs on this database. */
    quiet: () =>
      eventually('nothing runs', async () => {
        const rows = await postgres.sql`
          select 1 from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
        return rows.length === 0 ? true : undefined;
      }),
    /** Every statement that writes into a table takes so long until the function that is returned was called. */
    async slow(table: string, delayMs: number): Promise<() => Promise<void>> {
      await postgres.sql.unsafe(`
        create function public.wait_a_while() returns trigger language plpgsql as
          $$ begin perform pg_sleep(${delayMs / 1000}); return null; end $$;
        create trigger wait_a_while before insert or update on ${table}
          for each statement execute function public.wait_a_while()`);
      return async () => {
        await postgres.sql.unsafe(`drop function public.wait_a_while cascade`);
      };
    },
    /** Nothing is written into a table, or not even read, until this is released. */
    async block(table: string, mode: 'share' | 'access exclusive' = 'share'): Promise<() => Promise<void>> {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      let isHeld = (): void => undefined;
      const held = new Promise<void>((resolve) => (isHeld = resolve));
      const ended = postgres.sql.begin(async (sql) => {
        await sql.unsafe(`lock table ${table} in ${mode} mode`);
        isHeld();
        await released;
      });
      await held;
      return async () => {
        release();
        await ended;
      };
    },
    async close() {
      await stores.close();
      await postgres.close();
      await database.drop();
    },
  };
}
