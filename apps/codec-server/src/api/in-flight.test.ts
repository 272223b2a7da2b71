import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@heliograph/testkit';
import { base64, encrypted, startWireGround, valueOf } from '../testing/wire-ground.ts';

let ground: Awaited<ReturnType<typeof startWireGround>>;
let sockets: Socket[];
beforeEach(async () => {
  sockets = [];
  ground = await startWireGround({ overrides: { bytesInFlight: 1_000_000 } });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await ground.close();
});

const heldBytes = async (): Promise<number> =>
  Number(/^http_server_bytes_in_flight\S* (\d+)/m.exec(await ground.metrics())?.[1]);

/** Sends the beginning of a request, and then nothing. */
async function stall(role: string, bytes: number): Promise<void> {
  const before = await heldBytes();
  const socket = createConnection(Number(new URL(ground.url).port), '127.0.0.1');
  sockets.push(socket.on('error', () => undefined));
  socket.write(
    `POST /decode HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${role}-key-of-tests\r\n` +
      `content-type: application/json\r\ncontent-length: ${bytes + 1}\r\n\r\n${' '.repeat(bytes)}`,
  );
  await eventually('it is held', async () => (await heldBytes()) === before + bytes);
}

describe('memory of requests', () => {
  test('small payloads that become large ones are refused beyond the share of their caller, and audited', async () => {
    const large = await encrypted(ground.keys, {}, 'x'.repeat(50_000));
    expect(large.data.length).toBeLessThan(1000);
    const { status, json } = await ground.post('/decode', 'developer', [large]);
    expect([status, valueOf(json.payloads[0])]).toEqual([200, 'x'.repeat(50_000)]);
    ground.entries.length = 0;
    for (const path of ['/decode', '/decode?strict=true']) {
      const refused = await ground.post(path, 'developer', [large, large, large]);
      expect([refused.status, refused.headers.get('retry-after'), refused.json.code]).toEqual([
        429,
        '1',
        'BYTES_LIMITED',
      ]);
    }
    expect(ground.entries).toMatchObject(
      [1, 2].map(() => ({ subject: 'developer', outcome: 'refused', reason: 'BYTES_LIMITED', keyId: null })),
    );
    await eventually('nothing is held', async () => (await heldBytes()) === 0);
    expect((await ground.post('/decode', 'developer', [large])).status).toBe(200);
  });

  test('what others hold leaves nobody the whole, and everybody is told when to come again', async () => {
    await stall('developer', 480_000);
    const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"x"') };
    const page = 'https://temporal.example.com';
    const limited = await ground.post(
      '/decode',
      'developer',
      [{ ...plain, data: base64('x'.repeat(20_000)) }],
      {
        origin: page,
      },
    );
    expect([limited.status, limited.json.code]).toEqual([429, 'BYTES_LIMITED']);
    // Or the page could not read it.
    expect(limited.headers.get('access-control-allow-origin')).toBe(page);
    expect((await ground.post('/decode', 'finance', [plain])).status).toBe(200);
    await stall('finance', 480_000);
    const full = await ground.post('/decode', 'support', [{ ...plain, data: base64('x'.repeat(40_000)) }]);
    expect([full.status, full.headers.get('retry-after'), full.json.code]).toEqual([503, '1', 'OVERLOADED']);
    expect(ground.entries.map(({ subject, reason }) => [subject, reason])).toEqual([
      ['developer', 'BYTES_LIMITED'],
      ['finance', null],
      ['support', 'OVERLOADED'],
    ]);
  });

  test('what is to be encrypted counts as well', async () => {
    const payload = { metadata: { encoding: base64('binary/plain') }, data: base64('x'.repeat(90_000)) };
    const refused = await ground.post('/test/encode', 'starter', [payload], { 'x-codec-domain': 'dispatch' });
    expect([refused.status, refused.json.code]).toEqual([429, 'BYTES_LIMITED']);
    expect(ground.entries).toMatchObject([{ action: 'encode', reason: 'BYTES_LIMITED' }]);
  });
});
