/**
 * The receiver of traces as a process: `node main.js PORT DATABASE`, ClickHouse in HELIOGRAPH_CLICKHOUSE_URL.
 *
 * It stops on SIGTERM and when stdin ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '../backoff.js';
import { createReceiver } from './receiver.js';
import { SpanStore } from './span-store.js';

const [, , port = '0', database = 'heliograph'] = process.argv;

/** @param {string} line */
function print(line) {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

const store = new SpanStore({ url: process.env['HELIOGRAPH_CLICKHOUSE_URL'] ?? '', database, print });
const receiver = createReceiver({ store });

receiver.server.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
receiver.server.listen(Number(port), '127.0.0.1', () => {
  print(`ready on port ${port}, database ${database}`);
  void createTables();
});

/** Creates the tables as soon as ClickHouse is there, for whoever asks before the first span. */
async function createTables() {
  const backoff = createBackoff();
  for (;;) {
    try {
      await store.prepare();
      return;
    } catch {
      await delay(backoff.nextDelayMs(0), undefined, { ref: false });
    }
  }
}

let isStopping = false;
async function stop() {
  if (isStopping) return;
  isStopping = true;
  await receiver.close();
  process.exit(0);
}
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => {});
process.stdin.once('end', () => void stop()).resume();
