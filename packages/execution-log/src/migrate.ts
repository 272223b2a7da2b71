import { migratePostgres, type Postgres } from '@heliograph/database';

/** Brings the schema `execution_log` up to date; any number of processes may do so at once. */
export async function migrateExecutionLog(postgres: Pick<Postgres, 'separate'>): Promise<void> {
  await migratePostgres(postgres, {
    schema: 'execution_log',
    folder: new URL('../migrations/', import.meta.url),
  });
}
