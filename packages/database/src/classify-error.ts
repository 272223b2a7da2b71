import { DatabaseError, type DatabaseErrorCode, isDatabaseError } from './errors.ts';

/** What an error of a driver means, whichever driver it was. */
export type ErrorClass = 'unavailable' | 'timeout' | 'conflict' | 'constraint' | 'serialization' | 'failed';

const MAX_DEPTH = 8;

const SOCKET_AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  // postgres.js
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
]);
const SOCKET_TIMEOUT = new Set(['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);

// 57P01 terminated by an administrator, 57P02 crash, 57P03 starting up, 57P05 idle session ended,
// 53300 too many connections, 25006 read-only (a replica after a failover). Class 08 is added below.
const SQLSTATE_AWAY = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25006']);
// 57014 cancelled by a timeout, 55P03 lock not available, 25P03 and 25P04 transaction timeouts.
const SQLSTATE_TIMEOUT = new Set(['57014', '55P03', '25P03', '25P04']);

// 202 too many queries, 203/209/210 network, 241 memory limit, 242 read-only table, 243 no space, 252 too many parts,
// 279 all connections failed, 319 unknown status of an insert, 394 query cancelled, 425/999 system and Keeper, 439 no
// thread, 735 cancelled by the client, 745 overloaded.
const CLICKHOUSE_AWAY = new Set([
  '202',
  '203',
  '209',
  '210',
  '241',
  '242',
  '243',
  '252',
  '279',
  '319',
  '394',
  '425',
  '439',
  '735',
  '745',
  '999',
]);
/** What `createGatewayAgent` makes of the answers of a balancer. */
const GATEWAY_AWAY = new Set(['HTTP_429', 'HTTP_502', 'HTTP_503', 'HTTP_504']);
const CLICKHOUSE_TIMEOUT = new Set(['159', '160']);

/** Finds the most telling class in an error and its causes. */
export function classifyError(error: unknown): ErrorClass {
  for (const link of chainOf(error)) {
    const found = classifyLink(link);
    if (found !== 'failed') return found;
  }
  return 'failed';
}

/**
 * Tells whether an error means that PostgreSQL or ClickHouse cannot be reached or does not take work just
 * now: refused, reset, terminated, starting up, too many connections. Knows postgres.js, drizzle and
 * @clickhouse/client errors, also as a `cause`, and this package's own.
 */
export function isUnavailable(error: unknown): boolean {
  return classifyError(error) === 'unavailable';
}

function classifyLink(error: object): ErrorClass {
  if (isDatabaseError(error)) return OF_CODE[error.code] ?? 'failed';
  const code = textOf(error, 'code');
  if (code === undefined) return classifyMessage(error);
  if (SOCKET_AWAY.has(code) || GATEWAY_AWAY.has(code)) return 'unavailable';
  if (SOCKET_TIMEOUT.has(code)) return 'timeout';
  if (/^\d{1,4}$/.test(code)) {
    if (CLICKHOUSE_AWAY.has(code)) return 'unavailable';
    return CLICKHOUSE_TIMEOUT.has(code) ? 'timeout' : 'failed';
  }
  if (!/^[0-9A-Z]{5}$/.test(code)) return 'failed';
  if (code.startsWith('08') || SQLSTATE_AWAY.has(code)) return 'unavailable';
  if (SQLSTATE_TIMEOUT.has(code)) return 'timeout';
  if (code === '23505' || code === '23P01') return 'conflict';
  if (code.startsWith('23')) return 'constraint';
  return code === '40001' || code === '40P01' ? 'serialization' : 'failed';
}

// @clickhouse/client reports these without a code.
function classifyMessage(error: object): ErrorClass {
  const message = textOf(error, 'message') ?? '';
  if (/^Timeout error\.?$/i.test(message)) return 'timeout';
  return /^socket hang up$/i.test(message) ? 'unavailable' : 'failed';
}

const OF_CODE: Readonly<Partial<Record<DatabaseErrorCode, ErrorClass>>> = {
  DATABASE_UNAVAILABLE: 'unavailable',
  DATABASE_TIMEOUT: 'timeout',
  DATABASE_CONFLICT: 'conflict',
  DATABASE_CONSTRAINT: 'constraint',
  DATABASE_SERIALIZATION: 'serialization',
};

const OUTCOME: Readonly<
  Record<ErrorClass, { readonly code: DatabaseErrorCode; readonly retryable: boolean; readonly says: string }>
> = {
  unavailable: { code: 'DATABASE_UNAVAILABLE', retryable: true, says: 'the database is not available' },
  timeout: { code: 'DATABASE_TIMEOUT', retryable: true, says: 'the database did not answer in time' },
  conflict: { code: 'DATABASE_CONFLICT', retryable: false, says: 'a row with this key exists' },
  constraint: { code: 'DATABASE_CONSTRAINT', retryable: false, says: 'a constraint was violated' },
  serialization: {
    code: 'DATABASE_SERIALIZATION',
    retryable: true,
    says: 'another transaction was in the way',
  },
  failed: { code: 'DATABASE_FAILED', retryable: false, says: 'the database refused' },
};

/**
 * Turns whatever a driver threw into a {@link DatabaseError} that is safe to log. `what` says what was
 * attempted and on which id: "save route r1". A DatabaseError is returned as it is.
 */
export function toDatabaseError(error: unknown, what: string): DatabaseError {
  if (isDatabaseError(error)) return error;
  const { code, retryable, says } = OUTCOME[classifyError(error)];
  const { driverCode, constraint, table } = namesIn(error);
  const where = [driverCode, table, constraint].filter((part) => part !== undefined).join(', ');
  return new DatabaseError(code, `${what}: ${says}${where === '' ? '' : ` (${where})`}`, {
    retryable,
    cause: strip(error),
    ...(driverCode === undefined ? {} : { driverCode }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(table === undefined ? {} : { table }),
  });
}

/** Runs something and lets only {@link DatabaseError}s out. */
export async function guarded<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toDatabaseError(error, what);
  }
}

function namesIn(error: unknown): {
  readonly driverCode?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
} {
  for (const link of chainOf(error)) {
    const driverCode = textOf(link, 'code');
    if (driverCode === undefined) continue;
    const schema = textOf(link, 'schema_name');
    const table = textOf(link, 'table_name');
    return {
      driverCode: driverCode.slice(0, 40),
      constraint: textOf(link, 'constraint_name'),
      table: table === undefined || schema === undefined ? table : `${schema}.${table}`,
    };
  }
  return {};
}

// The original holds SQL, bind values and, in the server's text, parts of rows; its frames are harmless.
function strip(error: unknown): Error {
  const [first] = chainOf(error);
  const { driverCode } = namesIn(error);
  const name = first instanceof Error ? first.name : 'Error';
  const safe = new Error(`${name}${driverCode === undefined ? '' : ` ${driverCode}`}`);
  safe.name = 'DriverError';
  const frames =
    first instanceof Error ? (first.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line)) : [];
  safe.stack = [`${safe.name}: ${safe.message}`, ...frames].join('\n');
  return safe;
}

function chainOf(error: unknown): readonly object[] {
  const chain: object[] = [];
  const walk = (link: unknown): void => {
    if (typeof link !== 'object' || link === null || chain.includes(link) || chain.length >= MAX_DEPTH)
      return;
    chain.push(link);
    if ('cause' in link) walk(link.cause);
    // A connection to a host with several addresses fails with an AggregateError.
    if ('errors' in link && Array.isArray(link.errors)) for (const inner of link.errors) walk(inner);
  };
  walk(error);
  return chain;
}

function textOf(holder: object, key: string): string | undefined {
  const value: unknown = Reflect.get(holder, key);
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number'
      ? String(value)
      : undefined;
}
