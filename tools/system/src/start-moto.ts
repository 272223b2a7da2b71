import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findUnusedPort } from '@heliograph/simulators';
import { providePython } from './provide-python.ts';

/** moto's server: AWS KMS, S3 and IAM on this machine, in one process. */
export interface Moto {
  readonly address: string;
  /** Of a user who may do everything. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Sends a request of AWS JSON 1.1 to KMS. */
  kms(operation: string, body: object): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts moto with a bucket and a user. It checks nothing before `checkSignatures`.
 *
 * @throws {Error} if Python or moto is not available.
 */
export async function startMoto(region: string, bucket: string): Promise<Moto> {
  const python = await providePython('moto.txt');
  const port = await findUnusedPort();
  const address = `http://127.0.0.1:${port}`;
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], AWS_DEFAULT_REGION: region },
  });
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  // Nothing is checked yet; the scope says which service is meant.
  const ask = async (service: string, path: string, init: RequestInit): Promise<string> => {
    const credential = `Credential=x/20260101/${region}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0`;
    const headers = new Headers(init.headers);
    headers.set('authorization', authorization);
    const response = await fetch(address + path, { ...init, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`moto answered ${response.status} to ${service}: ${text}`);
    return text;
  };
  const iam = (parameters: Record<string, string>): Promise<string> =>
    ask('iam', '/', {
      method: 'POST',
      body: new URLSearchParams({ Version: '2010-05-08', UserName: 'heliograph', ...parameters }),
    });
  try {
    await listening(address, () => child.exitCode);
    await iam({ Action: 'CreateUser' });
    const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [everything] });
    await iam({ Action: 'PutUserPolicy', PolicyName: 'everything', PolicyDocument: policy });
    const created = await iam({ Action: 'CreateAccessKey' });
    const [accessKeyId = '', secretAccessKey = ''] = ['AccessKeyId', 'SecretAccessKey'].map(
      (name) => new RegExp(`<${name}>([^<]+)<`).exec(created)?.[1],
    );
    await ask('s3', `/${bucket}`, {
      method: 'PUT',
      body: `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`,
    });
    return {
      address,
      credentials: { accessKeyId, secretAccessKey },
      kms: async (operation, body) =>
        JSON.parse(
          (await ask('kms', '/', {
            method: 'POST',
            body: JSON.stringify(body),
            headers: {
              'content-type': 'application/x-amz-json-1.1',
              'x-amz-target': `TrentService.${operation}`,
            },
          })) || 'null',
        ),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** From now on moto checks who asks, and what they may. */
export async function checkSignatures({ address }: Pick<Moto, 'address'>): Promise<void> {
  const response = await fetch(`${address}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  if (!response.ok) throw new Error(`moto does not check signatures: ${response.status}`);
}

async function listening(address: string, exitCode: () => number | null): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    deadline.throwIfAborted();
    if (exitCode() !== null) throw new Error(`moto ended with ${String(exitCode())}`);
    try {
      await (await fetch(`${address}/moto-api/`)).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
