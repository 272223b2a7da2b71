import { execFile } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { commandLineOf, identify, isRunning, signalProcess } from '@heliograph/bootstrap';
import { StackError, messageOf } from '../errors.ts';
import type { Part } from './part.ts';
import { findPostgresBinaries, unprivilegedPrefix } from './postgres-binaries.ts';

const run = promisify(execFile);

/** PostgreSQL 18 with the data under `<state>/postgres`, scram passwords, loopback only. */
export const postgresPart: Part = {
  name: 'postgres',
  after: [],
  async start({ directory, profile, port: choosePort, secret }) {
    const binaries = findPostgresBinaries();
    const prefix = unprivilegedPrefix();
    const data = join(directory, 'postgres');
    const password = secret('postgres');
    const port = await choosePort('postgres', 15_432);
    if (!existsSync(join(data, 'PG_VERSION'))) await initialise({ binaries, prefix, data, password });
    const address = `127.0.0.1:${port}`;
    const url = `postgres://postgres:${password}@${address}/postgres`;
    const [command = '', ...args] = [
      ...prefix,
      binaries.postgres,
      '-D',
      data,
      '-p',
      String(port),
      ...settings(profile),
    ];
    return {
      env: { HELIOGRAPH_POSTGRES_URL: url },
      addresses: { HELIOGRAPH_POSTGRES_URL: `postgres://postgres@${address}/postgres` },
      processes: [
        {
          name: 'postgres',
          what: 'PostgreSQL 18',
          command,
          args,
          env: environment(),
          port,
          url: `postgres://postgres@${address}/postgres`,
          stopSignal: 'SIGINT',
          stopGraceMs: 15_000,
          isReady: () => answers(url),
          beforeStart: () => clearPostmaster(data),
        },
      ],
    };
  },
};

/** Returns the server's settings; a killed test server keeps what the operating system holds, so tests do without fsync. */
function settings(profile: 'local' | 'test'): string[] {
  const common = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
  ];
  const perProfile = profile === 'test' ? ['fsync=off', 'full_page_writes=off'] : [];
  return [...common, ...perProfile].flatMap((setting) => ['-c', setting]);
}

/** A locale that exists everywhere: with a missing one PostgreSQL does not start. */
function environment() {
  return { ...process.env, LC_ALL: 'C', LANG: 'C' };
}

/** Makes a database cluster, complete or not at all. */
async function initialise({
  binaries,
  prefix,
  data,
  password,
}: {
  binaries: { initdb: string };
  prefix: readonly string[];
  data: string;
  password: string;
}): Promise<void> {
  const draft = `${data}.new`;
  const passwordFile = `${data}.password`;
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const options = [
    '-U',
    'postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ];
  const [command = '', ...args] = [...prefix, binaries.initdb, '-D', draft, ...options];
  try {
    await run(command, args, { env: environment() });
    renameSync(draft, data);
  } catch (error) {
    throw new StackError(
      'STACK_START_FAILED',
      `PostgreSQL could not make its data directory: ${firstLine(messageOf(error))}`,
      { cause: error },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Says whether a query is answered. */
async function answers(url: string): Promise<boolean> {
  const { default: postgres } = await import('postgres');
  const sql = postgres(url, { max: 1, connect_timeout: 2, idle_timeout: 1, onnotice: () => {} });
  try {
    await sql`select 1`;
    return true;
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}

/**
 * Clears the way for a start after a crash: stops a server left behind on this very directory, and removes
 * `postmaster.pid` when its pid now belongs to a stranger. The caller holds the lock of the state directory.
 *
 * A file whose process is gone stays: PostgreSQL itself checks by it that no backend is still at work.
 */
async function clearPostmaster(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  if (!existsSync(path)) return;
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  const owner = Number.isInteger(pid) && pid > 1 ? identify(pid) : undefined;
  if (owner === undefined) return;
  if (!commandLineOf(pid).includes(data)) {
    rmSync(path, { force: true });
    return;
  }
  const deadlineMs = performance.now() + 10_000;
  signalProcess(owner, 'SIGINT');
  while (isRunning(owner) && performance.now() < deadlineMs) await delay(20);
  signalProcess(owner, 'SIGKILL');
}

function firstLine(text: string): string {
  return text.split('\n').find((line) => /error|fatal/i.test(line)) ?? text.split('\n')[0] ?? '';
}
