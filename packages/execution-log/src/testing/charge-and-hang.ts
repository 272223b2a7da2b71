// A process that a test kills or stops: it runs one effect, which charges by a line in a file.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { connectPostgres } from '@heliograph/database';
import { createExecutionLog } from '../create-execution-log.ts';
import { createPostgresExecutionStore } from '../store/postgres-store.ts';
import { charge } from './charge.ts';

const [url = '', key = '', file = '', hangs = '', hangMs = ''] = process.argv.slice(2);
const postgres = connectPostgres({ url, applicationName: 'charge-and-hang' });
const tell = (word: string): void => {
  process.stdout.write(`${word}\n`);
};
try {
  const result = await createExecutionLog(createPostgresExecutionStore(postgres)).once(
    key,
    async () => {
      if (hangs === 'before') {
        tell('claimed');
        await wait(Number(hangMs));
      }
      appendFileSync(file, `${key}\n`);
      tell('charged');
      if (hangs === 'after') await wait(Number(hangMs));
      return 'ch_child';
    },
    { ...charge, leaseMs: 1000 },
  );
  tell(`recorded ${result}`);
} catch (error) {
  tell(error instanceof Error && 'code' in error ? String(error.code) : 'failed');
}
await postgres.close();
