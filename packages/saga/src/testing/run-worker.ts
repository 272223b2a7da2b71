/**
 * Works on scripted sagas until it is killed: `node run-worker.ts ADDRESS NAMESPACE BUNDLE LEDGER`. The last step is
 * refused; each compensation writes a line before it answers, then takes its time, so that it can be killed in between.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { createSagaWorker } from './saga-ground.ts';
import type { ScriptedActivities } from './script.ts';

const [, , address = '', namespace = '', bundle = '', ledger = ''] = process.argv;
const write = (line: string): void => appendFileSync(ledger, `${line}\n`);

const activities: ScriptedActivities = {
  async doStep(id, key) {
    write(`did ${key}`);
    if (id === 's3') throw ApplicationFailure.nonRetryable('refused', 'REFUSED');
    return `${id}!`;
  },
  async undoStep(_id, key) {
    const isFirst = !readFileSync(ledger, 'utf8').includes(`undid ${key}\n`);
    write(`undid ${key}`);
    // Killed here: it has happened, and nobody knows.
    if (isFirst) await wait(60_000);
  },
  async tell() {},
};

const connection = await NativeConnection.connect({ address });
const worker = await createSagaWorker({
  connection,
  namespace,
  workflowBundle: { code: await readFile(bundle, 'utf8') },
  activities,
});
process.stdout.write('ready\n');
await worker.run();
