// A worker in a process of its own, that a test kills: it counts slowly and writes down what it has saved.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { DefaultLogger } from '@temporalio/worker';
import { connectWorker } from '../worker/connect-worker.ts';
import { createTemporalWorker } from '../worker/create-worker.ts';
import { installTemporalRuntime } from '../worker/runtime.ts';
import { createCountJob } from './count-job.ts';

const [address = '', namespace = '', taskQueue = '', file = ''] = process.argv.slice(2);
installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
const worker = await createTemporalWorker({
  connection: await connectWorker({ address }),
  namespace,
  taskQueue,
  activities: createCountJob({
    onRecord: async (record) => {
      await wait(20);
      appendFileSync(file, `${record}\n`);
    },
  }),
});
await worker.run();
