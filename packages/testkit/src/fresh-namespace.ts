import { Connection, WorkflowNotFoundError, Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { temporal } from '@temporalio/proto';
import { NativeConnection } from '@temporalio/worker';
import { freshName } from './fresh-name.ts';
import { stackAddresses } from './stack-addresses.ts';

/** A Temporal namespace of a suite's own. */
export interface FreshNamespace {
  readonly address: string;
  readonly namespace: string;
  /** For workers and for clients that live beside them. */
  readonly nativeConnection: NativeConnection;
  /** For clients; may be given to `skipTime`. */
  readonly connection: Connection;
  /** Terminates what still runs and closes both connections. Returns the ids of what it had to terminate. */
  close(): Promise<readonly string[]>;
}

/** Registers a namespace for one suite; it can be used at once. Search attributes are the caller's to add. */
export async function freshNamespace(label: string): Promise<FreshNamespace> {
  const { temporalAddress: address } = stackAddresses();
  const namespace = freshName(label).replaceAll('_', '-');
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const nativeConnection = await NativeConnection.connect({ address });
  return {
    address,
    namespace,
    nativeConnection,
    connection,
    async close() {
      const left: string[] = [];
      const client = new Client({ connection, namespace });
      for (const workflowId of await listRunning(connection, namespace)) {
        try {
          await client.workflow.getHandle(workflowId).terminate('the suite ended');
          left.push(workflowId);
        } catch (error) {
          // The index lags: it may list what has just ended.
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        }
      }
      await connection.close();
      await nativeConnection.close();
      return left;
    },
  };
}

/** Asks the service itself: a client decodes memos, and those of a suite may be encrypted. */
async function listRunning(connection: Connection, namespace: string): Promise<readonly string[]> {
  const running: string[] = [];
  let nextPageToken: Uint8Array | null = null;
  do {
    const page: temporal.api.workflowservice.v1.IListWorkflowExecutionsResponse =
      await connection.workflowService.listWorkflowExecutions({
        namespace,
        query: `ExecutionStatus = 'Running'`,
        nextPageToken,
      });
    running.push(...(page.executions ?? []).flatMap(({ execution }) => execution?.workflowId ?? []));
    nextPageToken = page.nextPageToken ?? null;
  } while (nextPageToken !== null && nextPageToken.length > 0);
  return running;
}
