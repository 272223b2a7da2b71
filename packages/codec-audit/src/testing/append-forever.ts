/**
 * Appends to the audit log until it is killed, ten requests at a time: `node append-forever.ts URL NAME`. Prints the id of
 * each request on a line once it is on the record.
 */
import { connectPostgres } from '@heliograph/database';
import { createAuditLog } from '../store/create-audit-log.ts';
import { entryOf } from './entries.ts';

const [, , url = '', name = ''] = process.argv;
const pg = connectPostgres({ url, applicationName: name, maxConnections: 2 });
const log = createAuditLog({ pg, lockWaitMs: 20_000 });

async function appendForever(lane: number): Promise<void> {
  for (let number = 0; ; number++) {
    const requestId = `${name}-${lane}-${number}`;
    await log.append([entryOf({ requestId }), entryOf({ requestId, keyId: 'k0' })]);
    process.stdout.write(`${requestId}\n`);
  }
}

await Promise.all(Array.from({ length: 10 }, (_, lane) => appendForever(lane)));
