import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { eventually, freshClickHouse, freshPostgres, stackAddresses } from '@heliograph/testkit';
import { keyRing } from './testing/key-ring.ts';

/** Runs the built program to its end. */
function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['dist/main.js', ...args], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
const lines = (output: string): readonly string[] => output.split('\n').filter((line) => line !== '');

describe.each(['api', 'worker'])('the %s', (role) => {
  test('without any variable says at once what is missing, one line each, and ends with 1', async () => {
    const { code, output } = await run([role], {});
    expect(code).toBe(1);
    const missing = [
      'HELIOGRAPH_POSTGRES_URL',
      'HELIOGRAPH_CLICKHOUSE_URL',
      'HELIOGRAPH_TEMPORAL_ADDRESS',
      'HELIOGRAPH_SEALING_KEYS',
      ...(role === 'api' ? ['HELIOGRAPH_API_KEYS'] : []),
      'no keys for payloads',
    ];
    for (const name of missing) expect(lines(output).filter((line) => line.includes(name))).toHaveLength(1);
    expect(output).not.toMatch(/^\s+at /m);
  });

  test('with variables that do not fit names each, and quotes no secret', async () => {
    const { code, output } = await run([role], {
      HELIOGRAPH_POSTGRES_URL: 'http://user:hunter2@db/x',
      HELIOGRAPH_CLICKHOUSE_URL: 'nonsense',
      HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1',
      HELIOGRAPH_SEALING_KEYS: 'k1:tooshorthunter2',
      HELIOGRAPH_API_KEYS: 'id:hunter2',
      HELIOGRAPH_HTTP_PORT: '70000',
      HELIOGRAPH_LOG_LEVEL: 'loud',
      HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES: 'perhaps',
      HELIOGRAPH_CODEC_KEYS: '{"hunter2',
      HELIOGRAPH_CODEC_MODE: 'perhaps',
    });
    expect(code).toBe(1);
    for (const name of [
      'HELIOGRAPH_POSTGRES_URL',
      'HELIOGRAPH_CLICKHOUSE_URL',
      'HELIOGRAPH_SEALING_KEYS',
      'HELIOGRAPH_HTTP_PORT',
      'HELIOGRAPH_LOG_LEVEL',
      'HELIOGRAPH_ALLOW_PRIVATE_ADDRESSES',
      'HELIOGRAPH_CODEC_MODE',
      ...(role === 'api' ? ['HELIOGRAPH_API_KEYS'] : []),
    ])
      expect(output).toContain(name);
    expect(output).not.toContain('hunter2');
  });
});

test.each([
  ['that are not JSON', '{"hunter2', 'it is not JSON'],
  ['of another domain', keyRing('health'), 'this process has no keys of the domain dispatch'],
])('keys %s end the start at once, and are not quoted', async (_, keys, reason) => {
  const { code, output } = await run(['api'], {
    HELIOGRAPH_POSTGRES_URL: 'postgres://127.0.0.1:1/x',
    HELIOGRAPH_CLICKHOUSE_URL: 'http://127.0.0.1:1',
    HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1',
    HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 3).toString('base64url')}`,
    HELIOGRAPH_API_KEYS: 'monitor:monitor-key-monitor-key:issues:write',
    HELIOGRAPH_CODEC_KEYS: keys,
    HELIOGRAPH_HTTP_PORT: '0',
  });
  expect(code).toBe(1);
  expect(output).toContain(reason);
  expect(output).not.toMatch(/hunter2|BAQEBAQE/);
});

/** Starts the built API. */
function startApi(env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['dist/main.js', 'api'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    child,
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
    output: () => output,
    listeningAt: () => /"url":"(http:[^"]+)"/.exec(output)?.[1],
  };
}

test.each([[[]], [['both']], [['--help']]])(
  'a role that is none, %j, is answered with those that are, and with 2',
  async (args) => {
    const { code, output } = await run(args, {});
    expect(code).toBe(2);
    expect(output).toContain('api, worker');
    expect(lines(output)).toHaveLength(1);
  },
);

test('an API accepts issues while Temporal is unavailable, and stops gracefully during a call to it', async () => {
  const [postgres, clickhouse] = await Promise.all([freshPostgres('main'), freshClickHouse('main')]);
  const child = spawn(process.execPath, ['dist/main.js', 'api'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      HELIOGRAPH_POSTGRES_URL: postgres.url,
      HELIOGRAPH_CLICKHOUSE_URL: stackAddresses().clickhouseUrl,
      HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouse.database,
      HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1',
      HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 3).toString('base64url')}`,
      HELIOGRAPH_API_KEYS: 'monitor:monitor-key-monitor-key:issues:write',
      HELIOGRAPH_CODEC_KEYS: keyRing('dispatch'),
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_DRAIN_MS: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const url = await eventually('it listens', () => /"url":"(http:[^"]+)"/.exec(output)?.[1]);
    const answer = await fetch(`${url}/api/v1/issues`, {
      method: 'POST',
      headers: { authorization: 'Bearer monitor-key-monitor-key', 'content-type': 'application/json' },
      body: JSON.stringify({ monitor: 'm', status: 'firing' }),
    });
    expect(answer.status).toBe(200);
    child.kill('SIGTERM');
    await expect(ended).resolves.toBe(0);
    expect(output).not.toContain('Channel has been shut down');
  } finally {
    child.kill('SIGKILL');
    await ended;
    await postgres.drop();
    await clickhouse.drop();
  }
});

test('a stored key works on after kill -9 and a restart', async () => {
  const [postgres, clickhouse] = await Promise.all([freshPostgres('main'), freshClickHouse('main')]);
  const admin = { authorization: 'Bearer admin-key-admin-key', 'content-type': 'application/json' };
  const children: ReturnType<typeof startApi>[] = [];
  const start = async () => {
    const api = startApi({
      HELIOGRAPH_POSTGRES_URL: postgres.url,
      HELIOGRAPH_CLICKHOUSE_URL: stackAddresses().clickhouseUrl,
      HELIOGRAPH_CLICKHOUSE_DATABASE: clickhouse.database,
      HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1',
      HELIOGRAPH_SEALING_KEYS: `k1:${Buffer.alloc(32, 3).toString('base64url')}`,
      HELIOGRAPH_CODEC_MODE: 'off',
      HELIOGRAPH_API_KEYS: 'admin:admin-key-admin-key:*',
      HELIOGRAPH_HTTP_PORT: '0',
      HELIOGRAPH_DRAIN_MS: '0',
    });
    children.push(api);
    return { ...api, url: await eventually('it listens', () => api.listeningAt()) };
  };
  try {
    const first = await start();
    const created = await fetch(`${first.url}/api/v1/auth/keys`, {
      method: 'POST',
      headers: admin,
      body: JSON.stringify({ name: 'ci', scopes: ['routes:read'] }),
    });
    const { key, id } = (await created.json()) as { readonly key: string; readonly id: string };
    const statusAt = async (url: string): Promise<number> =>
      (await fetch(`${url}/api/v1/routes`, { headers: { authorization: `Bearer ${key}` } })).status;
    await expect(statusAt(first.url)).resolves.toBe(200);
    first.child.kill('SIGKILL');
    await first.ended;

    const second = await start();
    await expect(statusAt(second.url)).resolves.toBe(200);
    await fetch(`${second.url}/api/v1/auth/keys/${id}`, { method: 'DELETE', headers: admin });
    await expect(statusAt(second.url)).resolves.toBe(401);
    second.child.kill('SIGKILL');
    await second.ended;

    const third = await start();
    await expect(statusAt(third.url)).resolves.toBe(401);
    third.child.kill('SIGTERM');
    await expect(third.ended).resolves.toBe(0);
    expect(children.map(({ output }) => output()).join('')).not.toContain(key);
  } finally {
    for (const { child, ended } of children) {
      child.kill('SIGKILL');
      await ended;
    }
    await postgres.drop();
    await clickhouse.drop();
  }
});
