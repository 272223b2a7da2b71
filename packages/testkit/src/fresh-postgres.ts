import postgres from 'postgres';
import { freshName } from './fresh-name.ts';
import { stackAddresses } from './stack-addresses.ts';

/** A database of a suite's own. */
export interface FreshPostgres {
  readonly url: string;
  readonly database: string;
  /** Drops the database. Fails where a connection to it is still open: the suite has leaked a pool. */
  drop(): Promise<void>;
}

/** Creates an empty PostgreSQL database for one suite. */
export async function freshPostgres(label: string): Promise<FreshPostgres> {
  const { postgresUrl } = stackAddresses();
  const database = freshName(label);
  await withAdmin(postgresUrl, (sql) => sql`create database ${sql(database)}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    database,
    drop: () =>
      withAdmin(postgresUrl, async (sql) => {
        const leaked = await openConnections(sql, database);
        await sql`drop database ${sql(database)} with (force)`;
        if (leaked.length > 0) {
          throw new Error(`${database}: ${leaked.length} connection(s) left open by ${leaked.join(', ')}`);
        }
      }),
  };
}

/** Who is still connected after a moment of grace: a closed socket takes the server a few milliseconds to notice. */
async function openConnections(sql: postgres.Sql, database: string): Promise<readonly string[]> {
  for (let attempt = 0; ; attempt++) {
    const rows = await sql<{ application_name: string }[]>`
      select application_name from pg_stat_activity where datname = ${database} and backend_type = 'client backend'`;
    if (rows.length === 0 || attempt === 20) return rows.map((row) => row.application_name);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function withAdmin<T>(url: string, run: (sql: postgres.Sql) => Promise<T>): Promise<void> {
  const sql = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: 'testkit' },
  });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
