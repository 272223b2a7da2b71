import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCodec, createCodecPlugin, createKeyRing, parseDomainKeys } from '@heliograph/codec/codecs';
import { eventually, freshNamespace, type FreshNamespace } from '@heliograph/testkit';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { ran } from '../testing/canned-api.ts';

let ground: FreshNamespace;
let folder: string;
let file: string;

beforeAll(async () => {
  ground = await freshNamespace('cli-codec');
  folder = mkdtempSync(join(tmpdir(), 'heliograph-codec-'));
  file = join(folder, 'keys.json');
});
afterAll(async () => {
  await ground.close();
  rmSync(folder, { recursive: true });
});

const CANARY = 'hunter2-canary';
const ringOf = (active: string) =>
  JSON.stringify({
    domains: {
      // No other suite on this service has keys of this domain.
      retiring: {
        active,
        keys: ['k0', 'k1'].map((id, index) => ({
          id,
          key: Buffer.alloc(32, index + 1).toString('base64url'),
        })),
      },
    },
  });
function clientOf(active: string): Client {
  const { connection, namespace } = ground;
  const codec = createCodec({
    keys: createKeyRing(parseDomainKeys(ringOf(active))),
    namespace,
    domain: 'retiring',
  });
  return new Client({ connection, namespace, plugins: [createCodecPlugin(codec)] });
}
const start = (client: Client, workflowId: string) =>
  client.workflow.start('anything', {
    workflowId,
    taskQueue: 'nobody',
    args: [CANARY],
    memo: { note: CANARY },
  });
const askService = (...args: readonly string[]) =>
  ran(['codec', ...args], { env: { HELIOGRAPH_TEMPORAL_ADDRESS: ground.address } });
const ask = (...args: readonly string[]) => askService(...args, '--namespace', ground.namespace);
const isListed = (count: number) =>
  eventually('visibility', async () => {
    const { out } = await ask('status', '--json');
    return JSON.parse(out).namespaces[0].open.total === count;
  });
async function remove(workflowId: string): Promise<void> {
  const { connection, namespace } = ground;
  await connection.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
}

describe('codec', () => {
  test('status counts by key and what is plain; strict and retire are refused above zero, and pass at zero', async () => {
    await start(clientOf('k0'), 'old');
    await start(clientOf('k1'), 'new');
    await start(new Client({ connection: ground.connection, namespace: ground.namespace }), 'plain');
    await isListed(3);

    const status = await ask('status');
    expect([status.exitCode, status.err]).toEqual([0, '']);
    expect(status.out.split('\n').slice(1)).toEqual([
      '               total  plain  text in clear  references  unreadable',
      '  open runs    3      1      0              0           0',
      '  closed runs  0      0      0              0           0',
      '  schedules    0      0      0              0           0',
      '',
      '  key          open runs  closed runs  schedules',
      '  retiring/k0  1          0            0',
      '  retiring/k1  1          0            0',
      expect.stringMatching(/^ {2}plain: plain \S+: (?:visibility\.memo\.fields\.note|event 1\..+)$/),
      '',
    ]);
    expect(status.out).not.toContain(CANARY);

    const strict = await ask('strict');
    expect(strict).toMatchObject({
      exitCode: 4,
      err: `heliograph: strict workers would fail runs and schedules with plain payloads (${ground.namespace}: 1); keep HELIOGRAPH_CODEC_MODE=permissive until they are gone\n`,
    });

    writeFileSync(file, ringOf('k1'));
    chmodSync(file, 0o640);
    const retire = await askService('retire', 'k0', '--keys', file);
    expect(retire).toMatchObject({
      exitCode: 4,
      err: `heliograph: the key k0 of the domain retiring stays: runs and schedules still name it (${ground.namespace}: 1)\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe(ringOf('k1'));

    await remove('old');
    await remove('plain');
    await isListed(1);
    await expect(ask('strict')).resolves.toMatchObject({ exitCode: 0, err: '' });
    // Other suites on this service store payloads outside.
    const again = await askService('retire', 'k0', '--keys', file, '--stored-objects-checked');
    expect(again).toMatchObject({
      exitCode: 0,
      err: `Key k0 of the domain retiring was taken out of ${file}.\n`,
    });
    expect(parseDomainKeys(readFileSync(file, 'utf8'))['retiring']).toMatchObject({
      active: { id: 'k1' },
      others: [],
    });
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['keys.json']);
  });

  test('the active key and one that is not there are refused without asking anybody', async () => {
    writeFileSync(file, ringOf('k1'));
    for (const keyId of ['k1', 'k9']) {
      const { exitCode, out } = await ran(['codec', 'retire', keyId, '--keys', file], {
        env: { HELIOGRAPH_TEMPORAL_ADDRESS: '127.0.0.1:1' },
      });
      expect([exitCode, out]).toEqual([2, '']);
    }
    expect(readFileSync(file, 'utf8')).toBe(ringOf('k1'));
  });

  test('every namespace of the service is counted where none is named', async () => {
    const { out, exitCode } = await ran(['codec', 'status', '--json'], {
      env: { HELIOGRAPH_TEMPORAL_ADDRESS: ground.address },
    });
    expect(exitCode).toBe(0);
    const names = JSON.parse(out).namespaces.map(
      ({ namespace }: { readonly namespace: string }) => namespace,
    );
    expect(names).toContain(ground.namespace);
    expect(names).not.toContain('temporal-system');
  });

  test.each<[readonly string[], number, RegExp]>([
    [['status', '--namespace', 'no-such-namespace'], 1, /failed: .*no-such-namespace/],
    [['status', '--temporal-address', '127.0.0.1:1'], 1, /no Temporal service answers at 127\.0\.0\.1:1/],
    [['status', '--temporal-address', 'nowhere'], 2, /--temporal-address/],
    [['status', '--concurrency', '0'], 2, /--concurrency/],
    [['retire', 'k0', '--keys', '/no/such/file'], 2, /--keys: the file cannot be read \(ENOENT\)/],
    [['retire', 'k0'], 2, /keys/],
    // A key file serves every namespace, so none may be left out of the count.
    [['retire', 'k0', '--keys', 'keys.json', '--namespace', 'one'], 2, /namespace/],
    [[], 2, /status, strict or retire/],
  ])(
    '%j ends with %d',
    async (args, expected, line) => {
      const { exitCode, err } = await ran(['codec', ...args], {
        env: { HELIOGRAPH_TEMPORAL_ADDRESS: ground.address },
      });
      expect(exitCode).toBe(expected);
      expect(err).toMatch(line);
    },
    180_000,
  );
});
