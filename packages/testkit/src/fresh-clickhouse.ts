import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { freshName } from './fresh-name.ts';
import { stackAddresses } from './stack-addresses.ts';

/** A ClickHouse database of a suite's own. */
export interface FreshClickHouse {
  /** Address with the database as path, in the form that `@clickhouse/client` takes. */
  readonly url: string;
  readonly database: string;
  drop(): Promise<void>;
}

/** Creates an empty ClickHouse database for one suite. */
export async function freshClickHouse(label: string): Promise<FreshClickHouse> {
  const { clickhouseUrl } = stackAddresses();
  const database = freshName(label);
  await withAdmin(clickhouseUrl, (client) => client.command({ query: `create database ${database}` }));
  const url = new URL(clickhouseUrl);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    database,
    drop: () => withAdmin(clickhouseUrl, (client) => client.command({ query: `drop database ${database}` })),
  };
}

async function withAdmin(url: string, run: (client: ClickHouseClient) => Promise<unknown>): Promise<void> {
  // Whatever fails is thrown; the client's own log would only say it twice.
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } });
  try {
    await run(client);
  } finally {
    await client.close();
  }
}
