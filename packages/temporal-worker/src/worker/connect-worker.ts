import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { connectFailed, connectionSecurity, type TemporalAddress } from '../client/connect.ts';
import { joinAddress } from '../client/http-proxy.ts';
import { assertProxyOpens } from '../client/explain-failure.ts';
import { checkTlsMaterial } from '../client/tls-material.ts';

/**
 * Connects a process that runs workers, within `connectTimeoutMs`. A connection that is made later is closed.
 *
 * @throws {TemporalSetupError} as `connectClient`
 */
export async function connectWorker(address: TemporalAddress): Promise<NativeConnection> {
  checkTlsMaterial(address.tls ?? {}, Date.now());
  await assertProxyOpens(address);
  const { connectTimeoutMs = 10_000 } = address;
  const connecting = NativeConnection.connect(nativeOptions(address));
  const settled = new AbortController();
  try {
    // The SDK waits for as long as a server that has accepted the connection does not answer.
    return await Promise.race([connecting, rejectAfter(connectTimeoutMs, settled.signal)]);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => undefined);
    throw await connectFailed(address, error);
  } finally {
    settled.abort();
  }
}

function nativeOptions(address: TemporalAddress): NativeConnectionOptions {
  const { proxy } = address;
  const security = { address: address.address, ...connectionSecurity(address) };
  if (proxy === undefined) return security;
  const { credentials } = proxy;
  return {
    ...security,
    proxy: {
      type: 'http-connect',
      targetHost: joinAddress(proxy),
      ...(credentials === undefined ? {} : { basicAuth: { ...credentials } }),
    },
  };
}

async function rejectAfter(timeoutMs: number, signal: AbortSignal): Promise<never> {
  await sleep(timeoutMs, undefined, { signal });
  throw new Error(`no connection within ${timeoutMs} ms`);
}
