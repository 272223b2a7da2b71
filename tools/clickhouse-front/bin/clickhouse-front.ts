/**
 * The ClickHouse front as a process: `node clickhouse-front.ts DIRECTORY PORT`, the password in HELIOGRAPH_FRONT_PASSWORD.
 *
 * It stops on SIGTERM and when stdin ends. UV_THREADPOOL_SIZE is the number of statements that run at a time.
 */
import { createFront } from '../src/front.ts';

const [, , directory = '', port = '0'] = process.argv;
const password = process.env['HELIOGRAPH_FRONT_PASSWORD'] ?? '';
const front = createFront({ directory, password });

front.server.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
front.server.listen(Number(port), '127.0.0.1', () => {
  const address = front.server.address();
  const own = typeof address === 'object' && address !== null ? address.port : port;
  process.stdout.write(`${new Date().toISOString()} ready on port ${own}, engine ${front.version}\n`);
});

let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await front.close();
  process.exit(0);
}
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => {});
process.stdin.once('end', () => void stop()).resume();
