import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FRONT_PROGRAM } from '@heliograph/clickhouse-front';
import type { Part } from './part.ts';

/** How many statements run at a time: Node's default of 4 lets four slow ones stop all others. */
const CONCURRENT_STATEMENTS = '16';

/** The ClickHouse engine behind ClickHouse's HTTP interface, loopback only, with a generated password. */
export const clickhousePart: Part = {
  name: 'clickhouse',
  after: [],
  async start({ directory, port: choosePort, secret }) {
    const port = await choosePort('clickhouse', 18_123);
    const password = secret('clickhouse');
    const data = join(directory, 'clickhouse');
    mkdirSync(data, { recursive: true });
    const address = `http://127.0.0.1:${port}`;
    return {
      env: { HELIOGRAPH_CLICKHOUSE_URL: `http://default:${password}@127.0.0.1:${port}` },
      addresses: { HELIOGRAPH_CLICKHOUSE_URL: address },
      processes: [
        {
          name: 'clickhouse',
          what: 'ClickHouse 26 (embedded engine)',
          command: process.execPath,
          args: [FRONT_PROGRAM, data, String(port)],
          env: {
            ...process.env,
            UV_THREADPOOL_SIZE: CONCURRENT_STATEMENTS,
            HELIOGRAPH_FRONT_PASSWORD: password,
            TZ: 'UTC',
          },
          port,
          url: address,
          stopSignal: 'SIGTERM',
          stopGraceMs: 5_000,
          isReady: async (signal) => (await fetch(`${address}/ping`, { signal })).ok,
        },
      ],
    };
  },
};
