import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findUnusedPort } from '@heliograph/simulators';
import { expect, test } from '@jest/globals';

// In a process of its own: what the SDK throws out of a timer ends the process.
const CLOSE_WHILE_A_CALL_WAITS = `
  import { lazyClientConnection, replaceableConnection } from '@heliograph/temporal-worker/client';
  const [, address] = process.argv;
  const temporal = replaceableConnection(lazyClientConnection({ address }));
  const { connection } = temporal;
  const read = () => connection.workflowService.getSystemInfo({});
  const failed = connection.withDeadline(Date.now() + 4000, read).catch(({ code }) => code);
  await temporal.close(1000);
  console.log(await failed);
`;

test('a connection that is closed while Temporal is away ends its calls, and not the process', async () => {
  const args = ['--conditions=@heliograph/source', '--input-type=module', '--eval', CLOSE_WHILE_A_CALL_WAITS];
  const address = `127.0.0.1:${await findUnusedPort()}`;
  const ended = await promisify(execFile)(process.execPath, [...args, address], { cwd: import.meta.dirname });
  expect(ended.stdout).toBe('TEMPORAL_CONNECTION_CLOSED\n');
  expect(ended.stderr).toBe('');
}, 30_000);
