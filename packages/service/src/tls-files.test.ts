import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { EXPIRED_TLS_PAIR, FUTURE_TLS_PAIR, TLS_PAIRS } from '@heliograph/simulators';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { manualClock } from './clock.ts';
import { createEdge } from './edge.ts';
import { type HttpServer, listen } from './listen.ts';
import { createLogger } from './log.ts';
import { followTlsFiles } from './tls-files.ts';

const [first, second] = TLS_PAIRS;
let directory: string;
let files: { readonly certFile: string; readonly keyFile: string };
const write = (pair: { readonly cert?: string; readonly key?: string }): Promise<unknown> =>
  Promise.all([
    pair.cert === undefined ? undefined : writeFile(files.certFile, pair.cert),
    pair.key === undefined ? undefined : writeFile(files.keyFile, pair.key),
  ]);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tls-'));
  files = { certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') };
  await write(first);
});
afterEach(() => rm(directory, { recursive: true }));

describe('files that cannot be used', () => {
  test.each([
    ['a key of another certificate', { key: second.key }, 'is not that of the certificate'],
    ['a certificate that is none', { cert: 'nonsense' }, 'cannot be used: expected PEM'],
    ['a key that is none', { key: 'hunter2' }, 'cannot be used: expected PEM'],
    ['an empty file', { key: '' }, 'cannot be used: expected PEM'],
  ])('%s: refused by name, and nothing of them is shown', async (_, pair, message) => {
    await write(pair);
    const refused = followTlsFiles(files, () => undefined);
    await expect(refused).rejects.toMatchObject({ code: 'SERVICE_TLS_INVALID' });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(directory);
    await expect(refused).rejects.not.toThrow('hunter2');
  });

  test('a file that is missing is named with its code', async () => {
    await rm(files.keyFile);
    await expect(followTlsFiles(files, () => undefined)).rejects.toThrow('tls.key cannot be read (ENOENT)');
  });
});

test('a half-replaced pair changes nothing, is reported once, and is used once it is whole', async () => {
  const applied: string[] = [];
  const problems: unknown[] = [];
  const watched = await followTlsFiles({ ...files, onProblem: (error) => problems.push(error) }, ({ cert }) =>
    applied.push(cert),
  );
  try {
    await watched.reload();
    await write({ cert: second.cert });
    await watched.reload();
    await watched.reload();
    expect([applied, problems.length]).toEqual([[], 1]);
    await write({ key: second.key });
    await watched.reload();
    await watched.reload();
    expect(applied).toEqual([second.cert]);
  } finally {
    watched.close();
  }
});

describe('a certificate that is not valid at this moment', () => {
  let clock = manualClock();
  beforeEach(() => {
    clock = manualClock(Date.UTC(2030));
  });
  const follow = async () => {
    const applied: string[] = [];
    const problems: string[] = [];
    const onProblem = (error: unknown): void => void problems.push(String(error));
    const followed = await followTlsFiles({ ...files, clock, onProblem }, ({ cert }) => applied.push(cert));
    return { applied, problems, followed };
  };

  test.each([
    ['has expired, on 2020-02-01T00:00:00.000Z', EXPIRED_TLS_PAIR],
    ['is not valid before 2120-01-01T00:00:00.000Z', FUTURE_TLS_PAIR],
  ])('does not replace one that is: it %s', async (problem, pair) => {
    const { applied, problems, followed } = await follow();
    await write(pair);
    await followed.reload();
    await followed.reload();
    expect([applied, followed.current().cert]).toEqual([[], first.cert]);
    expect(problems).toEqual([expect.stringContaining(`tls.crt ${problem}`)]);
    // And the next one that can be used is.
    await write(second);
    await followed.reload();
    expect([applied, followed.problem()]).toEqual([[second.cert], null]);
    followed.close();
  });

  test('is used once its time has come', async () => {
    const { applied, followed } = await follow();
    await write(FUTURE_TLS_PAIR);
    await followed.reload();
    clock.advance(Date.UTC(2121) - clock.now());
    await followed.reload();
    expect(applied).toEqual([FUTURE_TLS_PAIR.cert]);
    followed.close();
  });

  test('is used where there is nothing better', async () => {
    await write(EXPIRED_TLS_PAIR);
    const { applied, problems, followed } = await follow();
    await write(FUTURE_TLS_PAIR);
    await followed.reload();
    expect([applied, problems]).toEqual([[FUTURE_TLS_PAIR.cert], []]);
    followed.close();
  });
});

describe('a server with TLS', () => {
  let server: HttpServer;
  const changes: (Date | string)[] = [];
  beforeEach(async () => {
    changes.length = 0;
    const edge = createEdge({
      name: 'svc',
      version: '1',
      logger: createLogger({ name: 'svc', level: 'silent' }),
    });
    const onChange = (validUntil: Date): void => void changes.push(validUntil);
    const onProblem = (error: unknown): void => void changes.push(String(error));
    server = await listen(edge, { port: 0, tls: { ...files, intervalMs: 20, onChange, onProblem } });
  });
  afterEach(() => server.stop(0));

  const connection = () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    return new Promise<typeof socket>((resolve, reject) =>
      socket.once('secureConnect', () => resolve(socket)).once('error', reject),
    );
  };
  const commonName = async (): Promise<unknown> => {
    const socket = await connection();
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  const changed = async (count: number): Promise<void> => {
    while (changes.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('gives new connections the replaced certificate, and keeps those that are open', async () => {
    expect(server.url).toMatch(/^https:/);
    const open = await connection();
    expect(await commonName()).toBe('first.localhost');
    await write(second);
    await changed(1);
    while (!(changes.at(-1) instanceof Date)) await changed(changes.length + 1);
    expect(await commonName()).toBe('second.localhost');
    const answer = new Promise<string>((resolve) =>
      open.once('data', (bytes: Buffer) => resolve(bytes.toString())),
    );
    open.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 200/);
    open.destroy();
  });

  test('keeps the certificate of before when the new pair is wrong', async () => {
    await write({ key: second.key });
    await changed(1);
    expect(String(changes[0])).toContain('is not that of the certificate');
    expect(await commonName()).toBe('first.localhost');
  });

  test('speaks TLS 1.2 or newer', async () => {
    const refused = new Promise<string | undefined>((resolve) => {
      const old = connect({
        port: server.port,
        host: '127.0.0.1',
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
      });
      old.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(await refused).toMatch(/^ERR_SSL_/);
  });

  test('ends a connection that speaks plain HTTP, or nothing that is TLS', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', '\u0000\u0001\u0002\u0003\u0004']) {
      const socket = connectTcp(server.port, '127.0.0.1');
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.on('error', () => undefined).on('data', () => undefined);
      socket.end(bytes);
      await closed;
    }
    expect(await commonName()).toBe('first.localhost');
  });

  test('answers over https, with a certificate that clients can verify', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        { host: 'localhost', port: server.port, path: '/healthz', ca: first.cert },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.once('error', reject).end();
    });
    expect(status).toBe(200);
  });
});
