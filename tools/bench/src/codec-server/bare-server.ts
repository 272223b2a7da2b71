import { fork } from 'node:child_process';
import { createDecipheriv, createSecretKey } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';

/** A server in a process of its own. */
export interface BareServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the least that could be called a codec server: it decrypts with `node:crypto` what is encrypted, and asks nobody,
 * checks nothing and records nothing. It ends with this process.
 */
export async function startBareServer(key: Uint8Array): Promise<BareServer> {
  const child = fork(fileURLToPath(import.meta.url), ['serve', Buffer.from(key).toString('base64')], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the bare server ended with ${code}`)));
    child.once('message', (message) => resolve(v.parse(v.string(), message)));
  });
  return {
    url,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit').once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

interface PayloadJson {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}

const ENCRYPTED = Buffer.from('binary/encrypted').toString('base64');

function serve(keyText: string): void {
  const key = createSecretKey(Buffer.from(keyText, 'base64'));
  const decrypt = (payload: PayloadJson): PayloadJson => {
    if (payload.metadata['encoding'] !== ENCRYPTED) return payload;
    const sealed = Buffer.from(payload.data, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from('bare')).setAuthTag(sealed.subarray(-16));
    const data = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    return { metadata: { encoding: 'anNvbi9wbGFpbg==' }, data: data.toString('base64') };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body: { readonly payloads: readonly PayloadJson[] } = JSON.parse(await text(request));
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ payloads: body.payloads.map(decrypt) }));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1', () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  process.once('disconnect', () => process.exit(0));
}

if (process.argv[2] === 'serve') serve(process.argv[3] ?? '');
