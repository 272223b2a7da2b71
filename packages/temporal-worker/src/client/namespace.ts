import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TemporalSetupError } from '../errors.ts';
import type { ServiceConnection } from './connect.ts';

/** gRPC status codes. */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

function hasStatus(error: unknown, status: number): boolean {
  return isGrpcServiceError(error) && (error.code as number) === status;
}

/**
 * Checks that a namespace exists. With `create`, a missing one is registered first.
 *
 * @throws {TemporalSetupError} TEMPORAL_NAMESPACE_MISSING
 */
export async function assertNamespace(
  connection: ServiceConnection,
  namespace: string,
  options: { readonly create?: boolean; /** Days; default 3. */ readonly retentionDays?: number } = {},
): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    // Another process may have created it a moment ago.
    if (options.create === true) await untilKnown(connection, namespace);
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
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs((options.retentionDays ?? 3) * 86_400_000),
    });
  } catch (error) {
    if (!hasStatus(error, ALREADY_EXISTS)) throw error;
  }
  await untilKnown(connection, namespace);
}

/** After the server has answered that a namespace is unknown, it keeps doing so until its cache is refreshed. */
async function untilKnown(connection: ServiceConnection, namespace: string): Promise<void> {
  const deadline = Date.now() + REFRESH_TIMEOUT_MS;
  for (;;) {
    try {
      await connection.operatorService.listSearchAttributes({ namespace });
      return;
    } catch (error) {
      if (!hasStatus(error, NOT_FOUND) || Date.now() > deadline) throw error;
    }
    await sleep(REFRESH_POLL_MS);
  }
}

const REFRESH_TIMEOUT_MS = 30_000;
const REFRESH_POLL_MS = 100;
