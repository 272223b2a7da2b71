import { migratePostgres, type Postgres } from '@heliograph/database';

/** Brings the schema `codec_audit` up to date; any number of processes may do so at once. */
export async function migrateAudit(pg: Pick<Postgres, 'separate'>): Promise<void> {
  await migratePostgres(pg, {
    schema: 'codec_audit',
    folder: new URL('../../migrations/', import.meta.url),
  });
}
