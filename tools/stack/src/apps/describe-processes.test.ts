import { describe, expect, test } from '@jest/globals';
import type { PortWish } from '../ports.ts';
import type { RegisteredApp } from './app-definition.ts';
import { describeProcesses } from './describe-processes.ts';

const app: RegisteredApp = {
  packageName: '@heliograph/greeter',
  folder: '/repository/apps/greeter',
  definition: {
    name: 'greeter',
    processes: [
      {
        role: 'worker',
        what: 'Greeter, worker',
        args: ['dist/main.js', 'worker'],
        httpPort: { name: 'GREETER_WORKER', preferred: 4701 },
        ports: { HELIOGRAPH_WORKER_METRICS_PORT: { name: 'GREETER_METRICS', preferred: 4702 } },
        env: ({ secret }) => ({ KEYS: `local:${secret('sealing-key')}`, LEVEL: 'info' }),
      },
      { role: 'ticker', args: ['dist/tick.js'] },
    ],
  },
};

/** Gives ports of its own choice where none is preferred, and remembers what it was asked for. */
function ground() {
  const names: string[] = [];
  return {
    names,
    env: { HELIOGRAPH_POSTGRES_URL: 'postgres://stack' },
    port: async (name: string, wish?: PortWish) => {
      names.push(name);
      return wish?.preferred ?? 20_000 + names.length;
    },
    secret: (name: string) => `secret-of-${name}`,
    keyRingFile: (domain: string) => `/keys-of-${domain}`,
  };
}

describe('describeProcesses', () => {
  test('gives each role once, with the app’s ports and variables', async () => {
    const [worker, ticker] = await describeProcesses(app, ground());
    expect(worker).toMatchObject({
      role: 'worker',
      name: 'greeter-worker',
      what: 'Greeter, worker',
      command: process.execPath,
      args: ['dist/main.js', 'worker'],
      cwd: '/repository/apps/greeter',
      port: 4701,
      url: 'http://127.0.0.1:4701',
      env: {
        HELIOGRAPH_POSTGRES_URL: 'postgres://stack',
        HELIOGRAPH_HTTP_PORT: '4701',
        HELIOGRAPH_WORKER_METRICS_PORT: '4702',
        KEYS: 'local:secret-of-sealing-key',
      },
    });
    expect(ticker).toMatchObject({ name: 'greeter-ticker', what: 'greeter-ticker' });
    expect(ticker).not.toHaveProperty('port');
    expect(await ticker?.isReady(AbortSignal.timeout(1))).toBe(true);
  });

  test('runs a role several times under names, ports and variables of their own', async () => {
    const asked = ground();
    const specs = await describeProcesses(app, asked, {
      env: { LEVEL: 'error', KEYS: 'all' },
      processes: [
        { role: 'worker', name: 'worker-1', env: { LEVEL: 'debug' }, wrap: ['/usr/bin/nice', '-n', '5'] },
        { role: 'worker', name: 'worker-2' },
      ],
    });
    expect(specs).toMatchObject([
      {
        name: 'worker-1',
        port: 20_001,
        command: '/usr/bin/nice',
        args: ['-n', '5', process.execPath, 'dist/main.js', 'worker'],
        env: { LEVEL: 'debug', KEYS: 'all', HELIOGRAPH_WORKER_METRICS_PORT: '20002' },
      },
      { name: 'worker-2', port: 20_003, env: { LEVEL: 'error' } },
    ]);
    expect(asked.names).toEqual([
      'worker-1',
      'worker-1-GREETER_METRICS',
      'worker-2',
      'worker-2-GREETER_METRICS',
    ]);
  });

  test('does not hand on what only the stack reads, nor ports of apps', async () => {
    const other: RegisteredApp = {
      packageName: '@heliograph/other',
      folder: '/repository/apps/other',
      definition: {
        name: 'other',
        processes: [{ role: 'api', args: [], httpPort: { name: 'OTHER_API', preferred: 4711 } }],
        demoPorts: ['OTHER_SINK'],
      },
    };
    const withheld = [
      'HELIOGRAPH_DIRECTORY',
      'HELIOGRAPH_CACHE',
      'HELIOGRAPH_NO_DOWNLOAD',
      'TEMPORAL_CLI_PATH',
      'HELIOGRAPH_POSTGRES_PORT',
      'HELIOGRAPH_CLICKHOUSE_PORT',
      'HELIOGRAPH_TEMPORAL_PORT',
      'HELIOGRAPH_GREETER_WORKER_PORT',
      'HELIOGRAPH_GREETER_METRICS_PORT',
      'HELIOGRAPH_OTHER_API_PORT',
      'HELIOGRAPH_OTHER_SINK_PORT',
    ];
    // A misspelt name must reach the app, which warns of it.
    const passed = ['HELIOGRAPH_LOG_LEVLE', 'HELIOGRAPH_GRETER_WORKER_PORT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
    const before = { ...process.env };
    try {
      for (const name of [...withheld, ...passed]) process.env[name] = '1';
      const [worker] = await describeProcesses(app, ground(), { others: [app, other] });
      const env = worker?.env ?? {};
      expect(withheld.filter((name) => name in env)).toEqual([]);
      expect(passed.filter((name) => env[name] === '1')).toEqual(passed);
    } finally {
      for (const name of [...withheld, ...passed]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  });

  test.each([
    ['a role the app does not have', [{ role: 'api' }], /greeter has no role api; it has worker, ticker/],
    [
      'one name for two processes',
      [{ role: 'ticker' }, { role: 'ticker' }],
      /two processes of greeter are named greeter-ticker/,
    ],
  ])('refuses %s', async (_, processes, message) => {
    await expect(describeProcesses(app, ground(), { processes })).rejects.toMatchObject({
      code: 'STACK_APP_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
