import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { connectFailed, connectionSecurity, type TemporalAddress } from '../client/connect.ts';

/**
 * Connects a process that runs workers, within `connectTimeoutMs`. A connection that is made later is closed.
 *
 * @throws {TemporalSetupError} TEMPORAL_CONNECT_FAILED, retryable.
 */
export async function connectWorker(address: TemporalAddress): Promise<NativeConnection> {
  const { connectTimeoutMs = 10_000 } = address;
  const connecting = NativeConnection.connect({ address: address.address, ...connectionSecurity(address) });
  const settled = new AbortController();
  try {
    // The SDK waits for as long as a server that has accepted the connection does not answer.
    return await Promise.race([connecting, rejectAfter(connectTimeoutMs, settled.signal)]);
  } catch (error) {
    connecting.then((late) => late.close()).catch(() => undefined);
    throw connectFailed(address.address, error);
  } finally {
    settled.abort();
  }
}

async function rejectAfter(timeoutMs: number, signal: AbortSignal): Promise<never> {
  await sleep(timeoutMs, undefined, { signal });
  throw new Error(`no connection within ${timeoutMs} ms`);
}
