import { readdir, readFile } from 'node:fs/promises';
import { freshPostgres } from '@heliograph/testkit';
import postgres from 'postgres';
import { CLAIMS_MIGRATIONS } from '../claims/postgres/postgres-registry.ts';

/** A database of a suite's own with the schema `claims`, as the migrations make it. */
export async function claimsDatabase(label: string) {
  const database = await freshPostgres(label);
  const sql = connectTo(database.url);
  await sql`create schema claims`;
  const files = await readdir(CLAIMS_MIGRATIONS.folder);
  for (const file of files.filter((name) => name.endsWith('.sql')).toSorted()) {
    const text = await readFile(new URL(`${CLAIMS_MIGRATIONS.folder.href}/${file}`), 'utf8');
    for (const statement of text.split('--> statement-breakpoint')) await sql.unsafe(statement);
  }
  return {
    url: database.url,
    sql,
    close: async () => {
      await sql.end({ timeout: 5 });
      await database.drop();
    },
  };
}

/** Connections as apps open them. */
export function connectTo(url: string): postgres.Sql {
  return postgres(url, {
    max: 10,
    fetch_types: false,
    connect_timeout: 2,
    onnotice: () => undefined,
    connection: { application_name: 'claims', statement_timeout: 10_000 },
  });
}
