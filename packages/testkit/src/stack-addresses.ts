/** Where the servers of a test run are. */
export interface StackAddresses {
  readonly postgresUrl: string;
  readonly clickhouseUrl: string;
  readonly temporalAddress: string;
}

/** Reads the addresses that the test run gives to every suite; says how to get servers where there are none. */
export function stackAddresses(
  env: Readonly<Record<string, string | undefined>> = process.env,
): StackAddresses {
  return {
    postgresUrl: required(env, 'HELIOGRAPH_POSTGRES_URL'),
    clickhouseUrl: required(env, 'HELIOGRAPH_CLICKHOUSE_URL'),
    temporalAddress: required(env, 'HELIOGRAPH_TEMPORAL_ADDRESS'),
  };
}

function required(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(
      `${name} is not set: run \`npm test\`, or one package with \`npm run with-stack -- npx nx it PACKAGE\``,
    );
  }
  return value;
}
