import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TemporalSetupError } from '../errors.ts';
import { callWithin, SETUP_TIMEOUT_MS } from './call-within.ts';
import type { ServiceConnection } from './connect.ts';

/** gRPC status codes. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

function hasStatus(error: unknown, status: number): boolean {
  return isGrpcServiceError(error) && (error.code as number) === status;
}

/** Options of {@link assertNamespace}. */
export interface NamespaceOptions {
  /** Registers a missing namespace; default false. */
  readonly create?: boolean;
  /** Of a namespace that is registered, in days; default 3. */
  readonly retentionDays?: number;
  /** Deadline of each call, in milliseconds; default 10,000. */
  readonly callTimeoutMs?: number;
}

/**
 * Checks that a namespace exists. With `create`, a missing one is registered first.
 *
 * @throws {TemporalSetupError} TEMPORAL_NAMESPACE_MISSING, or TEMPORAL_NO_ANSWER if the service stays silent.
 */
export async function assertNamespace(
  connection: ServiceConnection,
  namespace: string,
  options: NamespaceOptions = {},
): Promise<void> {
  const { callTimeoutMs = SETUP_TIMEOUT_MS } = options;
  const within = <T>(call: () => Promise<T>): Promise<T> =>
    callWithin(connection, callTimeoutMs, `namespace ${namespace}`, call);
  try {
    await within(() => connection.workflowService.describeNamespace({ namespace }));
    // Another process may have created it a moment ago.
    if (options.create === true) await untilKnown(connection, namespace, within);
    return;
  } catch (error) {
    if (!hasStatus(error, NOT_FOUND)) throw error;
    if (options.create !== true) {
      throw new TemporalSetupError(
        'TEMPORAL_NAMESPACE_MISSING',
        `namespace ${namespace} does not exist; create it with: temporal operator namespace create -n ${namespace}`,
        { cause: error },
      );
    }
  }
  try {
    await within(() =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs((options.retentionDays ?? 3) * 86_400_000),
      }),
    );
  } catch (error) {
    if (!hasStatus(error, ALREADY_EXISTS)) throw error;
  }
  await untilKnown(connection, namespace, within);
}

/** After the server has answered that a namespace is unknown, it keeps doing so until its cache is refreshed. */
async function untilKnown(
  connection: ServiceConnection,
  namespace: string,
  within: <T>(call: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const deadline = Date.now() + REFRESH_TIMEOUT_MS;
  for (;;) {
    try {
      await within(() => connection.operatorService.listSearchAttributes({ namespace }));
      return;
    } catch (error) {
      if (!hasStatus(error, NOT_FOUND) || Date.now() > deadline) throw error;
    }
    await sleep(REFRESH_POLL_MS);
  }
}

const REFRESH_TIMEOUT_MS = 30_000;
const REFRESH_POLL_MS = 100;
