import { migratePostgres, type Postgres } from '@heliograph/database';

/** Brings the schema `auth` up to date; any number of processes may do so at once. */
export async function migrateAuth(postgres: Pick<Postgres, 'separate'>): Promise<void> {
  await migratePostgres(postgres, {
    schema: 'auth',
    folder: new URL('../migrations/', import.meta.url),
  });
}
