import { connectPostgres } from '@heliograph/database';
import { freshPostgres } from '@heliograph/testkit';
import { createAuthStores } from '../create-auth-stores.ts';
import { migrateAuth } from '../migrate.ts';

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
    async close() {
      await stores.close();
      await postgres.close();
      await database.drop();
    },
  };
}
