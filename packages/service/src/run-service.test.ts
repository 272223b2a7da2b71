import { request } from 'node:http';
import { startTcpServer } from '@heliograph/simulators';
import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { systemClock } from './clock.ts';
import { loadConfig } from './config.ts';
import { port, secret } from './config-fields.ts';
import { deferred } from './deferred.ts';
import { createEdge } from './edge.ts';
import { listen } from './listen.ts';
import { createLogger, type Logger } from './log.ts';
import {
  processHost,
  runService,
  type ServiceContext,
  type ServiceHost,
  type ServiceOptions,
} from './run-service.ts';

interface Harness {
  readonly done: Promise<number>;
  readonly exits: number[];
  readonly stderr: string[];
  readonly log: Record<string, unknown>[];
  readonly logger: Logger;
  signal(name?: string): void;
  fatal(kind: 'unhandledRejection' | 'uncaughtException', error: unknown): void;
  listeners(): number;
}

function run(
  start: (context: ServiceContext, logger: Logger) => Promise<void>,
  options: Partial<ServiceOptions> & { env?: Record<string, string> } = {},
): Harness {
  const exits: number[] = [];
  const stderr: string[] = [];
  const log: Record<string, unknown>[] = [];
  const signals = new Set<(signal: string) => void>();
  const fatals = new Set<Parameters<ServiceHost['onFatal']>[0]>();
  const logger = createLogger({
    name: 'svc',
    destination: { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const host: ServiceHost = {
    env: options.env ?? {},
    exit: (code) => void exits.push(code),
    writeLine: (line) => void stderr.push(line),
    onSignal: (listener) => (signals.add(listener), () => signals.delete(listener)),
    onFatal: (listener) => (fatals.add(listener), () => fatals.delete(listener)),
  };
  const done = runService({ name: 'svc', host, start: (context) => start(context, logger), ...options });
  return {
    done,
    exits,
    stderr,
    log,
    logger,
    signal: (name = 'SIGTERM') => signals.forEach((listener) => listener(name)),
    fatal: (kind, error) => fatals.forEach((listener) => listener(kind, error)),
    listeners: () => signals.size + fatals.size,
  };
}

describe('a start that fails', () => {
  test('by its configuration: one line per variable, without secrets, exit 1', async () => {
    const schema = v.object({
      HELIOGRAPH_PORT: port({ default: 0 }),
      HELIOGRAPH_KEY: secret({ minLength: 20 }),
    });
    const harness = run(async ({ env }) => void loadConfig(schema, env), {
      env: { HELIOGRAPH_PORT: 'x', HELIOGRAPH_KEY: 'hunter2' },
    });
    await expect(harness.done).resolves.toBe(1);
    expect(harness.stderr).toEqual([
      'svc: cannot start: HELIOGRAPH_PORT: expected a port from 0 to 65535, got "x"',
      'svc: cannot start: HELIOGRAPH_KEY: expected a secret of at least 20 characters',
    ]);
    expect([harness.exits, harness.listeners()]).toEqual([[1], 0]);
  });

  test('by a taken port: one line that says how to fix it, and what was started is stopped', async () => {
    const holder = await startTcpServer();
    const taken = holder.port;
    let stopped = false;
    const harness = run(async (context, logger) => {
      context.register({ name: 'database', stop: async () => void (stopped = true) });
      await listen(createEdge({ name: 'svc', version: '0', logger }), {
        port: taken,
        portVariable: 'HELIOGRAPH_PORT',
      });
    });
    await expect(harness.done).resolves.toBe(1);
    expect(harness.stderr).toEqual([
      `svc: cannot start: port ${taken} on 127.0.0.1 is in use by another process: stop that process, or set HELIOGRAPH_PORT to a free port (0 picks one)`,
    ]);
    expect(stopped).toBe(true);
    await holder.close();
  });

  test('by something unforeseen: one line with the kind of error', async () => {
    const harness = run(() => Promise.reject(new TypeError('x is undefined')));
    await expect(harness.done).resolves.toBe(1);
    expect(harness.stderr).toEqual(['svc: cannot start: TypeError x is undefined']);
  });

  test('synchronously: the same', async () => {
    const harness = run(() => {
      throw new TypeError('x is undefined');
    });
    await expect(harness.done).resolves.toBe(1);
    expect(harness.stderr).toEqual(['svc: cannot start: TypeError x is undefined']);
  });
});

describe('a signal and a failure', () => {
  test('a start that failed exits with 1 and its reason, although a signal comes while parts stop', async () => {
    const ready = deferred<void>();
    const gate = deferred<void>();
    const harness = run(async (context) => {
      context.register({ name: 'slow', stop: () => (ready.resolve(), gate.promise) });
      throw new TypeError('x is undefined');
    });
    await ready.promise;
    expect(harness.stderr).toEqual(['svc: cannot start: TypeError x is undefined']);
    harness.signal();
    gate.resolve();
    await expect(harness.done).resolves.toBe(1);
  });

  test('a start that fails after the signal is logged, unless it only gives way to the signal', async () => {
    const failed = async (failure: (context: ServiceContext) => unknown): Promise<unknown[]> => {
      const ready = deferred<void>();
      const harness = run(async (context, logger) => {
        context.useLogger(logger);
        const { draining } = context;
        const drained = new Promise((resolve) => draining.addEventListener('abort', resolve));
        context.register({ name: 'slow', stop: () => new Promise((resolve) => setTimeout(resolve, 10)) });
        ready.resolve();
        await drained;
        throw failure(context);
      });
      await ready.promise;
      harness.signal();
      await expect(harness.done).resolves.toBe(0);
      return harness.log.filter(({ level }) => level !== 'info');
    };
    expect(await failed(({ draining }) => draining.reason)).toEqual([]);
    expect(await failed(() => new Error('no database'))).toMatchObject([
      { level: 'warn', err: { message: 'no database' } },
    ]);
  });

  test('a part that dies after the signal is logged', async () => {
    const ready = deferred<void>();
    const harness = run(async (context, logger) => {
      context.useLogger(logger);
      context.register({ name: 'worker', stop: async () => context.fail(new Error('worker died')) });
      ready.resolve();
    });
    await ready.promise;
    harness.signal();
    await expect(harness.done).resolves.toBe(0);
    expect(harness.log).toContainEqual(
      expect.objectContaining({ level: 'error', err: expect.objectContaining({ message: 'worker died' }) }),
    );
  });
});

describe('stopping', () => {
  test('after a signal parts stop in reverse order with their deadlines, exit 0; more signals change nothing', async () => {
    const order: string[] = [];
    const slow = deferred<void>();
    const ready = deferred<void>();
    const harness = run(async (context, logger) => {
      context.useLogger(logger);
      const part = (name: string, deadlineMs?: number): void =>
        context.register({
          name,
          ...(deadlineMs === undefined ? {} : { deadlineMs }),
          stop: async (given) => {
            order.push(`${name} ${given} ${context.draining.aborted}`);
            if (name === 'worker') await slow.promise;
          },
        });
      part('telemetry');
      part('worker', 3000);
      part('http');
      ready.resolve();
    });
    await ready.promise;
    harness.signal('SIGINT');
    harness.signal('SIGINT');
    harness.signal('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([order, harness.exits]).toEqual([['http 10000 true', 'worker 3000 true'], []]);
    slow.resolve();
    await expect(harness.done).resolves.toBe(0);
    expect(order.at(-1)).toBe('telemetry 10000 true');
    expect([harness.exits, harness.listeners()]).toEqual([[0], 0]);
    expect(harness.log.map(({ message }) => message)).toEqual(['stopping', 'stopped']);
  });

  test('a part that hangs or throws does not keep the others from stopping', async () => {
    let last = false;
    const ready = deferred<void>();
    const harness = run(async (context, logger) => {
      context.useLogger(logger);
      context.register({ name: 'last', stop: async () => void (last = true) });
      context.register({ name: 'throwing', stop: () => Promise.reject(new Error('x')) });
      context.register({ name: 'hanging', deadlineMs: 10, stop: () => new Promise(() => undefined) });
      ready.resolve();
    });
    await ready.promise;
    harness.signal();
    await expect(harness.done).resolves.toBe(0);
    expect(last).toBe(true);
    expect(harness.log).toContainEqual(expect.objectContaining({ level: 'error', part: 'hanging' }));
    expect(harness.log).toContainEqual(expect.objectContaining({ level: 'error', part: 'throwing' }));
  });

  test('a signal while starting stops what there is', async () => {
    let stopped = false;
    const harness = run((context) => {
      context.register({ name: 'early', stop: async () => void (stopped = true) });
      return new Promise(() => undefined);
    });
    harness.signal();
    await expect(harness.done).resolves.toBe(0);
    expect(stopped).toBe(true);
  });

  test('what a late start registers after the stop began is stopped as well', async () => {
    const gate = deferred<void>();
    const stopped: string[] = [];
    const harness = run(async (context) => {
      context.register({
        name: 'early',
        stop: async () => {
          gate.resolve();
          await new Promise((resolve) => setTimeout(resolve, 10));
          stopped.push('early');
        },
      });
      await gate.promise;
      context.register({ name: 'late', stop: async () => void stopped.push('late') });
    });
    harness.signal();
    await expect(harness.done).resolves.toBe(0);
    expect(stopped).toEqual(['early', 'late']);
  });

  test('what a start registers after everything was stopped is stopped at once', async () => {
    const gate = deferred<void>();
    const stopped = deferred<string>();
    const harness = run(async (context) => {
      await gate.promise;
      context.register({ name: 'late', stop: async () => stopped.resolve('late') });
    });
    harness.signal();
    await expect(harness.done).resolves.toBe(0);
    gate.resolve();
    await expect(stopped.promise).resolves.toBe('late');
  });

  test('the death of a part stops the service with exit 1', async () => {
    let stopped = false;
    const harness = run(async (context, logger) => {
      context.useLogger(logger);
      context.register({ name: 'x', stop: async () => void (stopped = true) });
      context.fail(new Error('worker died'));
    });
    await expect(harness.done).resolves.toBe(1);
    expect(stopped).toBe(true);
    expect(harness.log).toContainEqual(
      expect.objectContaining({ level: 'error', err: expect.objectContaining({ message: 'worker died' }) }),
    );
  });

  test.each(['unhandledRejection', 'uncaughtException'] as const)(
    '%s is logged and ends the process at once',
    async (kind) => {
      const ready = deferred<void>();
      const harness = run(async (context, logger) => {
        context.useLogger(logger);
        ready.resolve();
      });
      await ready.promise;
      harness.fatal(kind, new Error('nobody cared'));
      await expect(harness.done).resolves.toBe(1);
      expect(harness.exits).toEqual([1]);
      expect(harness.log).toContainEqual(
        expect.objectContaining({
          level: 'fatal',
          kind,
          err: expect.objectContaining({ message: 'nobody cared' }),
        }),
      );
    },
  );

  test('the pause after "not ready" comes before the first stop', async () => {
    const ready = deferred<void>();
    const slept: number[] = [];
    const order: string[] = [];
    const harness = run(
      async (context) => {
        context.register({ name: 'http', stop: async () => void order.push('stopped') });
        ready.resolve();
      },
      {
        drainDelayMs: 5,
        clock: {
          ...systemClock,
          sleep: async (durationMs, signal) => {
            slept.push(durationMs);
            order.push('slept');
            await systemClock.sleep(durationMs, signal);
          },
        },
      },
    );
    await ready.promise;
    harness.signal();
    await harness.done;
    expect([slept[0], order[0]]).toEqual([5, 'slept']);
  });
});

test('while it drains, /readyz says 503 and the service still serves; then the listener closes', async () => {
  const ready = deferred<string>();
  const harness = run(async (context, logger) => {
    const edge = createEdge({ name: 'svc', version: '1.0.0', logger, draining: context.draining });
    const server = await listen(edge, { port: 0 });
    context.register({ name: 'http', stop: (deadlineMs) => server.stop(deadlineMs) });
    context.setDrainDelay(300);
    ready.resolve(server.url);
  });
  const url = await ready.promise;
  await expect(fetch(`${url}/readyz`)).resolves.toMatchObject({ status: 200 });
  harness.signal();
  await expect(fetch(`${url}/readyz`)).resolves.toMatchObject({ status: 503 });
  await expect(fetch(`${url}/healthz`)).resolves.toMatchObject({ status: 200 });
  await expect(harness.done).resolves.toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
});

test('a service that did not finish its start does not wait for balancers', async () => {
  const harness = run(async (context) => {
    context.setDrainDelay(3_600_000);
    throw new Error('no database');
  });
  await expect(harness.done).resolves.toBe(1);
});

test('the real process passes signals and uncaught errors on until it is unsubscribed', () => {
  const seen: unknown[] = [];
  const offSignal = processHost.onSignal((signal) => seen.push(signal));
  const offFatal = processHost.onFatal((kind) => seen.push(kind));
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  process.emit('uncaughtException', new Error('x'));
  process.emit('unhandledRejection', new Error('x'), Promise.resolve());
  offSignal();
  offFatal();
  expect(seen).toEqual(['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection']);
});

describe('the HTTP server', () => {
  const logger = createLogger({ name: 'svc', level: 'silent' });

  async function slowServer() {
    const gate = deferred<void>();
    const entered = deferred<void>();
    const edge = createEdge({ name: 'svc', version: '0', logger });
    edge.route({
      method: 'GET',
      path: '/slow',
      summary: 'x',
      scope: null,
      responses: { 200: { description: 'x', schema: v.string() } },
      handler: async () => {
        entered.resolve();
        await gate.promise;
        return { status: 200, body: 'done' };
      },
    });
    return { gate, entered, server: await listen(edge, { port: 0, keepAliveMs: 60_000 }) };
  }

  test('a running request is finished, new connections are refused, idle ones do not hold up the stop', async () => {
    const { gate, entered, server } = await slowServer();
    await (await fetch(`${server.url}/healthz`)).text();
    const running = fetch(`${server.url}/slow`);
    await entered.promise;
    const stopping = server.stop(10_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const fresh = await new Promise<string | undefined>((resolve) => {
      request(`${server.url}/healthz`, { agent: false }, () => resolve('answered'))
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .end();
    });
    expect(fresh).toBe('ECONNREFUSED');
    gate.resolve();
    const response = await running;
    expect([response.status, response.headers.get('connection'), await response.json()]).toEqual([
      200,
      'close',
      'done',
    ]);
    await expect(stopping).resolves.toBe(0);
  });

  test('what is still open at the deadline is cut', async () => {
    const { gate, entered, server } = await slowServer();
    const running = fetch(`${server.url}/slow`).then(
      () => 'answered',
      () => 'cut',
    );
    await entered.promise;
    await expect(server.stop(30)).resolves.toBe(1);
    await expect(running).resolves.toBe('cut');
    gate.resolve();
  });
});
