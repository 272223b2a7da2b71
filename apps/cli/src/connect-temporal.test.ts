import { startConnectProxy } from '@heliograph/simulators';
import { expect, test } from '@jest/globals';
import { withTemporal } from './connect-temporal.ts';
import { startGrpcServer } from './testing/start-grpc-server.ts';

const at = { temporalAddress: 'temporal.test:7233' };
const never = async (): Promise<never> => {
  throw new Error('there is no connection');
};

test('a proxy that refuses is reported in one line, without the password', async () => {
  const proxy = await startConnectProxy({ resolve: () => undefined });
  proxy.refuseWith(403);
  try {
    const failed = withTemporal(
      at,
      { env: { http_proxy: `http://u:hunter2@127.0.0.1:${proxy.port}` } },
      never,
    );
    await expect(failed).rejects.toMatchObject({
      code: 'CLI_TEMPORAL_FAILED',
      message: `the proxy 127.0.0.1:${proxy.port} refuses to connect to temporal.test:7233 (403); allow the address there, or list it in NO_PROXY`,
    });
  } finally {
    await proxy.close();
  }
}, 30_000);

test('a proxy that the SDK cannot reach is an error of usage', async () => {
  await expect(
    withTemporal(at, { env: { HTTP_PROXY: 'https://u:hunter2@proxy.test' } }, never),
  ).rejects.toMatchObject({
    code: 'CLI_USAGE',
    message: 'HTTP_PROXY: the Temporal SDK reaches proxies over http only, and this is https',
  });
});

test.each(['enabled', 'required', 'tls', ' true'])(
  'TLS that is switched to "%s" is an error of usage',
  async (word) => {
    await expect(withTemporal(at, { env: { HELIOGRAPH_TEMPORAL_TLS: word } }, never)).rejects.toMatchObject({
      code: 'CLI_USAGE',
      message: 'HELIOGRAPH_TEMPORAL_TLS: expected true or false',
    });
  },
);

test.each(['0', 'FALSE', 'no', 'off', ''])('TLS that is switched to "%s" is none', async (word) => {
  const server = await startGrpcServer(() => 0);
  try {
    const env = { HELIOGRAPH_TEMPORAL_TLS: word };
    const answer = withTemporal({ temporalAddress: server.address }, { env }, async () => 'connected');
    await expect(answer).resolves.toBe('connected');
  } finally {
    server.close();
  }
});

test('one of several calls fails in one line, and the others end over an open connection', async () => {
  const triedAgain = Promise.withResolvers<undefined>();
  const server = await startGrpcServer((method, seen) => {
    if (method === 'GetSystemInfo') return 0;
    if (method === 'ListNamespaces') return 3;
    if (seen <= 4) return 14;
    triedAgain.resolve(undefined);
    return 3;
  });
  try {
    const failed = withTemporal({ temporalAddress: server.address }, { env: {} }, ({ workflowService }) =>
      Promise.all([
        ...Array.from({ length: 4 }, () => workflowService.describeNamespace({ namespace: 'a' })),
        workflowService.listNamespaces({}),
      ]),
    );
    await expect(failed).rejects.toMatchObject({ code: 'CLI_TEMPORAL_FAILED' });
    await triedAgain.promise;
  } finally {
    server.close();
  }
}, 30_000);
