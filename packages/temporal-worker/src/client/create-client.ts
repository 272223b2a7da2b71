import { Client, type DataConverter } from '@temporalio/client';
import type { ServiceConnection } from './connect.ts';
import { deadlineInterceptor } from './deadline-interceptor.ts';
import { tracingInterceptor, type TraceStarts } from './tracing-interceptor.ts';

/** Options of {@link createTemporalClient}. */
export interface TemporalClientOptions {
  readonly connection: ServiceConnection;
  readonly namespace: string;
  /** Deadline of each start, signal, describe, query, cancel and terminate, in milliseconds; default 10 000. */
  readonly callTimeoutMs?: number;
  /** How traces of workflow types begin; default: each continues the caller's trace. */
  readonly traceStarts?: TraceStarts;
  /** Must be the same as the workers'. */
  readonly dataConverter?: DataConverter;
  /** Shown by the server as the caller; default the SDK's `pid@host`. */
  readonly identity?: string;
}

/** Creates a workflow client whose calls have deadlines and carry trace context. */
export function createTemporalClient(options: TemporalClientOptions): Client {
  return new Client({
    connection: options.connection,
    namespace: options.namespace,
    ...(options.dataConverter === undefined ? {} : { dataConverter: options.dataConverter }),
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    interceptors: {
      workflow: [
        tracingInterceptor(options.traceStarts),
        deadlineInterceptor(options.connection, options.callTimeoutMs ?? 10_000),
      ],
    },
  });
}
