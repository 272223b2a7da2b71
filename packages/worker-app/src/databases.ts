import {
  connectClickHouse,
  connectPostgres,
  createClickHouseDatabase,
  pingClickHouse,
  type ClickHouseOptions,
  type Postgres,
  type PostgresOptions,
} from '@heliograph/database';
import {
  loadConfig,
  type Env,
  type Logger,
  type ReadinessCheck,
  type ServicePart,
} from '@heliograph/service';
import * as v from 'valibot';
import { databaseVariables } from './variables.ts';

/** The databases of an app, each with the options of its client; the address comes from variables. */
export interface DatabaseOptions {
  readonly postgres?: Omit<PostgresOptions, 'url' | 'applicationName'> & {
    /** Whether the app is ready, if degraded, while PostgreSQL is unavailable; default false. */
    readonly isOptional?: boolean;
  };
  readonly clickhouse?: Omit<ClickHouseOptions, 'url' | 'application' | 'database' | 'onNotice'>;
}

/** Clients by database. */
export interface Databases {
  readonly postgres: Postgres;
  readonly clickhouse: ReturnType<typeof connectClickHouse>;
}

/** The clients of the databases that were declared, and no others. */
export type DatabasesOf<TOptions extends DatabaseOptions> = Pick<Databases, keyof TOptions & keyof Databases>;

/** What opening databases needs of its process. */
interface Surroundings {
  /** Shown by the servers as who is connected. */
  readonly name: string;
  readonly env: Env;
  readonly logger: Logger;
  readonly register: (part: ServicePart) => void;
  readonly addReadiness: (check: ReadinessCheck) => void;
}

/** Connects the declared databases, each registered for stop and readiness as soon as it exists. */
export async function openDatabases<TOptions extends DatabaseOptions>(
  options: TOptions,
  surroundings: Surroundings,
): Promise<DatabasesOf<TOptions>> {
  const opened: Partial<Databases> = {
    ...(options.postgres === undefined ? {} : { postgres: openPostgres(options.postgres, surroundings) }),
    ...(options.clickhouse === undefined
      ? {}
      : { clickhouse: await openClickHouse(options.clickhouse, surroundings) }),
  };
  // Exactly the keys of the options are there.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return opened as DatabasesOf<TOptions>;
}

function openPostgres(
  options: NonNullable<DatabaseOptions['postgres']>,
  { name, env, register, addReadiness }: Surroundings,
): Postgres {
  const config = loadConfig(v.object(databaseVariables.postgres), env);
  const { isOptional = false, ...clientOptions } = options;
  const postgres = connectPostgres({
    ...clientOptions,
    url: config.HELIOGRAPH_POSTGRES_URL,
    applicationName: name,
  });
  register({ name: 'postgres', stop: (deadlineMs) => postgres.close(deadlineMs) });
  addReadiness({ name: 'postgres', isRequired: !isOptional, check: () => postgres.ping() });
  return postgres;
}

async function openClickHouse(
  options: NonNullable<DatabaseOptions['clickhouse']>,
  { name, env, logger, register, addReadiness }: Surroundings,
): Promise<Databases['clickhouse']> {
  const config = loadConfig(v.object(databaseVariables.clickhouse), env);
  const all = {
    ...options,
    url: config.HELIOGRAPH_CLICKHOUSE_URL,
    application: name,
    database: config.HELIOGRAPH_CLICKHOUSE_DATABASE,
    onNotice: (notice: object) => logger.warn({ notice }, 'the ClickHouse client reported a problem'),
  };
  await createClickHouseDatabase(all);
  const clickhouse = connectClickHouse(all);
  register({ name: 'clickhouse', stop: () => clickhouse.close() });
  addReadiness({ name: 'clickhouse', check: (signal) => pingClickHouse(clickhouse, signal) });
  return clickhouse;
}
