import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { startTcpServer } from '@heliograph/simulators';
import { eventually, freshNamespace, stackAddresses, type FreshNamespace } from '@heliograph/testkit';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createTemporalClient } from '../client/create-client.ts';
import type { TraceStarts } from '../client/tracing-interceptor.ts';
import { TRACE_HEADER } from '../contract.ts';
import { goSignal } from '../testing/workflows.ts';
import { connectWorker } from './connect-worker.ts';
import { createTemporalWorker, type TemporalWorkerOptions } from './create-worker.ts';
import { installTemporalRuntime } from './runtime.ts';
import { bundleWorkflows, readWorkflowBundle, writeWorkflowBundle } from './workflow-bundle.ts';

installTemporalRuntime({ logger: new DefaultLogger('ERROR') });
const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

const source = {
  workflows: new URL('../testing/workflows.ts', import.meta.url),
  sourceCondition: '@heliograph/source',
};
let ground: FreshNamespace;
let bundle: { readonly code: string };
let last = 0;

beforeAll(async () => {
  [ground, bundle] = await Promise.all([freshNamespace('worker'), bundleWorkflows(source)]);
});
afterEach(() => exporter.reset());
afterAll(async () => {
  await ground.close();
  await Runtime.instance().shutdown();
  await provider.shutdown();
});

/** Runs a worker on a task queue of its own while `run` uses a client. */
async function whileWorking(
  run: (
    client: ReturnType<typeof createTemporalClient>,
    where: { workflowId: string; taskQueue: string },
  ) => Promise<void>,
  options: Partial<TemporalWorkerOptions> & { readonly traceStarts?: TraceStarts } = {},
): Promise<void> {
  const { traceStarts, ...others } = options;
  const taskQueue = `q${++last}`;
  const worker = await createTemporalWorker({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    taskQueue,
    workflowBundle: bundle,
    activities: { greet: async (name: string) => `hello ${name}` },
    shutdownGraceMs: 500,
    ...others,
  });
  const client = createTemporalClient({
    connection: ground.nativeConnection,
    namespace: ground.namespace,
    ...(traceStarts === undefined ? {} : { traceStarts }),
  });
  await worker.runUntil(run(client, { workflowId: `w${last}`, taskQueue }));
}

const spans = (name: string): readonly ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);
const traceOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().traceId;

describe('a worker', () => {
  test('runs workflows out of a bundle that was written and read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    try {
      const file = join(directory, 'workflows.js');
      await writeWorkflowBundle(source, file);
      await whileWorking(
        async (client, where) => {
          await expect(client.workflow.execute('greeting', { ...where, args: ['you'] })).resolves.toBe(
            'hello you',
          );
        },
        { workflowBundle: await readWorkflowBundle(file), slots: { kind: 'cpu', cores: 1 } },
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('works under the identity that it was given', async () => {
    await whileWorking(
      async (client, where) => {
        await client.workflow.execute('greeting', { ...where, args: ['you'] });
        const { events } = await client.workflow.getHandle(where.workflowId).fetchHistory();
        expect(
          events?.flatMap(({ workflowTaskStartedEventAttributes: each }) => (each ? [each.identity] : [])),
        ).toContain('pod-7');
      },
      { identity: 'pod-7' },
    );
  });

  test('connects to where the server is, and says where it is not', async () => {
    const connection = await connectWorker({ address: stackAddresses().temporalAddress });
    await connection.close();
    await expect(connectWorker({ address: '127.0.0.1:1' })).rejects.toMatchObject({
      code: 'TEMPORAL_CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  test('gives up on a server that accepts connections and stays silent, and closes what connects late', async () => {
    const target = Number(stackAddresses().temporalAddress.split(':').at(-1));
    const accepted: Socket[] = [];
    const silent = await startTcpServer((socket) => void accepted.push(socket));
    const address = `127.0.0.1:${silent.port}`;
    const startedAt = performance.now();
    await expect(connectWorker({ address, connectTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'TEMPORAL_CONNECT_FAILED',
      retryable: true,
      message: expect.stringContaining(address),
    });
    expect(performance.now() - startedAt).toBeLessThan(3000);
    // Now the server answers after all.
    for (const socket of accepted) socket.pipe(connect(target, '127.0.0.1')).pipe(socket);
    await eventually('the late connection is closed', () => accepted.every((socket) => socket.destroyed));
    expect(accepted).toHaveLength(1);
    await silent.close();
  });
});

describe('a trace', () => {
  test('goes on from the caller through the start into every activity, child and next run', async () => {
    await whileWorking(async (client, where) => {
      await trace.getTracer('test').startActiveSpan('caller', async (span) => {
        await client.workflow.execute('everyWay', { ...where, args: [true] });
        span.end();
      });
    });
    const [caller] = spans('caller');
    const [start] = spans('start everyWay');
    const activities = spans('greet');
    expect(activities).toHaveLength(6);
    expect(new Set([start, ...activities].map(traceOf))).toEqual(new Set([traceOf(caller)]));
    expect(start?.parentSpanContext?.spanId).toBe(caller?.spanContext().spanId);
    expect(new Set(activities.map((span) => span.parentSpanContext?.spanId))).toEqual(
      new Set([start?.spanContext().spanId]),
    );
    expect(activities[0]?.attributes).toMatchObject({
      'workflow.type': 'everyWay',
      'activity.attempt': 1,
    });
  });

  test("begins anew for a type that is a 'root', with a link to the caller's", async () => {
    await whileWorking(
      async (client, where) => {
        await trace.getTracer('test').startActiveSpan('caller', async (span) => {
          await client.workflow.execute('greeting', { ...where, args: ['you'] });
          span.end();
        });
      },
      { traceStarts: { greeting: 'root' } },
    );
    const [caller] = spans('caller');
    const [start] = spans('start greeting');
    expect(start?.parentSpanContext).toBeUndefined();
    expect(traceOf(start)).not.toBe(traceOf(caller));
    expect(start?.links.map((link) => link.context.spanId)).toEqual([caller?.spanContext().spanId]);
    expect(spans('greet').map(traceOf)).toEqual([traceOf(start)]);
  });

  test("is not carried by a type that is 'none': each activity begins its own", async () => {
    await whileWorking(
      async (client, where) => {
        await trace.getTracer('test').startActiveSpan('caller', async (span) => {
          await client.workflow.execute('greeting', { ...where, args: ['you'] });
          span.end();
        });
        const history = await client.workflow.getHandle(where.workflowId).fetchHistory();
        expect(JSON.stringify(history)).not.toContain(TRACE_HEADER);
      },
      { traceStarts: { greeting: 'none' } },
    );
    expect(spans('start greeting')).toEqual([]);
    expect(spans('greet')[0]?.parentSpanContext).toBeUndefined();
    expect(traceOf(spans('greet')[0])).not.toBe(traceOf(spans('caller')[0]));
  });

  test('has a span for a signal and for a signal-with-start', async () => {
    await whileWorking(async (client, where) => {
      await client.workflow.start('waiting', { ...where, args: [] });
      await client.workflow.getHandle(where.workflowId).signal(goSignal);
      await client.workflow.getHandle(where.workflowId).result();
      await client.workflow.signalWithStart('waiting', { ...where, args: [], signal: goSignal });
      await client.workflow.getHandle(where.workflowId).result();
    });
    expect(spans('signal go')).toHaveLength(1);
    expect(spans('signal-with-start waiting')[0]?.attributes).toMatchObject({ 'workflow.type': 'waiting' });
  });

  test('shows an activity that failed, and is active inside it', async () => {
    let inside: string | undefined;
    await whileWorking(
      async (client, where) => {
        await expect(client.workflow.execute('greeting', { ...where, args: ['you'] })).rejects.toThrow(Error);
      },
      {
        activities: {
          greet: async () => {
            inside = trace.getSpan(context.active())?.spanContext().spanId;
            throw new Error('no');
          },
        },
      },
    );
    const [span] = spans('greet');
    expect(span?.status.code).toBe(2);
    expect(inside).toBe(span?.spanContext().spanId);
  });
});
