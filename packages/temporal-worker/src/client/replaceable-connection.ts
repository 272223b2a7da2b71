import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { callbackify } from 'node:util';
import type { CallContext, ConnectionLike } from '@temporalio/client';
import { TemporalSetupError } from '../errors.ts';

/** A client's connection that can be replaced while calls run over it, for example by one with a newer certificate. */
export interface ReplaceableConnection<T extends ConnectionLike> {
  /**
   * For clients: each call goes over the connection that is current when the call begins. It has what every connection
   * has; closing it is {@link ReplaceableConnection.close}.
   */
  readonly connection: ConnectionLike;
  current(): T;
  /** Lets new calls go over another connection. What it replaces is closed when its last call has ended. */
  replace(next: T): void;
  /**
   * Refuses new calls with TEMPORAL_CONNECTION_CLOSED, waits for those that run, at most `graceMs` (default 5,000), and cancels
   * the rest. One that cannot be cancelled, because it waits to be tried again, fails with the same error; its connection
   * is closed when the SDK is through with it, at the latest at the call's deadline.
   */
  close(graceMs?: number): Promise<void>;
}

/** How long a cancelled call has to end, in milliseconds. */
const CANCEL_MS = 500;

type ServiceName = 'workflowService' | 'operatorService';
type Method = (request: unknown, callback?: (error: unknown, response?: unknown) => void) => unknown;

/** A call that runs. */
interface Call {
  readonly cancel: AbortController;
  /** Answers the caller, whatever the SDK still does. */
  readonly abandon: (reason: Error) => void;
  /** Settles when the SDK is through with it. */
  readonly ended: Promise<unknown>;
}

/** One connection and the calls that run over it. */
interface Line<T> {
  readonly connection: T;
  readonly calls: Set<Call>;
}

/**
 * Wraps a connection so that it can be replaced. The SDK retries a call on a closed connection with an error that nothing can
 * catch, so calls are counted and a connection is closed only when none runs.
 */
export function replaceableConnection<T extends ConnectionLike>(first: T): ReplaceableConnection<T> {
  const context = new AsyncLocalStorage<CallContext>();
  let line: Line<T> = { connection: first, calls: new Set() };
  const retired = new Set<Line<T>>();
  let closing: Promise<void> | undefined;

  const closeIfUnused = async (old: Line<T>): Promise<void> => {
    if (old.calls.size > 0 || !retired.delete(old)) return;
    // A connection that a worker holds on to cannot be closed; it ends with the process.
    await old.connection.close().catch(() => undefined);
  };
  const count = <R>(send: (connection: T, cancelled: AbortSignal) => Promise<R>): Promise<R> => {
    if (closing !== undefined) return Promise.reject(closed());
    const used = line;
    const cancel = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const ended = send(used.connection, cancel.signal).finally(() => {
      used.calls.delete(call);
      void closeIfUnused(used);
    });
    const call: Call = { cancel, abandon: reject, ended };
    used.calls.add(call);
    ended.then(resolve, reject);
    return promise;
  };
  const call = (service: ServiceName, method: string, request: unknown): Promise<unknown> =>
    count((connection, cancelled) => {
      const { deadline, metadata, abortSignal } = context.getStore() ?? {};
      const signal = abortSignal === undefined ? cancelled : AbortSignal.any([abortSignal, cancelled]);
      const send = async (): Promise<unknown> => {
        const target: object = connection[service];
        return Reflect.apply(methodOf(target, method), target, [request]);
      };
      const tagged = metadata === undefined ? send : () => connection.withMetadata(metadata, send);
      const bounded = deadline === undefined ? tagged : () => connection.withDeadline(deadline, tagged);
      return connection.withAbortSignal(signal, bounded);
    });
  /** A service whose methods go over the connection that is current when they are called. */
  const forward = <S extends object>(name: ServiceName, service: S): S =>
    new Proxy(service, {
      get(target, key, receiver) {
        const own: unknown = Reflect.get(target, key, receiver);
        if (typeof key !== 'string' || typeof own !== 'function' || !Object.hasOwn(target, key)) return own;
        const method: Method = (request, callback) => {
          if (callback === undefined) return call(name, key, request);
          callbackify(() => call(name, key, request))(callback);
          return undefined;
        };
        return method;
      },
    });

  const within = <R>(more: CallContext, run: () => Promise<R>): Promise<R> =>
    context.run({ ...context.getStore(), ...more }, run);
  const close = async (graceMs: number): Promise<void> => {
    const lines = [line, ...retired];
    const calls = lines.flatMap((each) => [...each.calls]);
    const ended = Promise.allSettled(calls.map((each) => each.ended));
    await endsWithin(ended, graceMs);
    for (const { cancel } of calls) cancel.abort();
    await endsWithin(ended, CANCEL_MS);
    for (const { abandon } of calls) abandon(closed());
    // What still has calls is closed by the last of them.
    if (line.calls.size > 0) retired.add(line);
    else await line.connection.close();
  };
  const connection: ConnectionLike = {
    workflowService: forward('workflowService', first.workflowService),
    operatorService: forward('operatorService', first.operatorService),
    plugins: first.plugins,
    ensureConnected: () => count((current) => current.ensureConnected()),
    withDeadline: (deadline, run) => within({ deadline }, run),
    withMetadata: (metadata, run) =>
      within({ metadata: { ...context.getStore()?.metadata, ...metadata } }, run),
    withAbortSignal: (abortSignal, run) => within({ abortSignal }, run),
    close: () => (closing ??= close(5000)),
  };
  return {
    connection,
    current: () => line.connection,
    replace(next) {
      const old = line;
      if (next === old.connection) return;
      if (closing !== undefined) {
        void next.close().catch(() => undefined);
        return;
      }
      line = { connection: next, calls: new Set() };
      retired.add(old);
      void closeIfUnused(old);
    },
    close: (graceMs = 5000) => (closing ??= close(graceMs)),
  };
}

function closed(): TemporalSetupError {
  return new TemporalSetupError(
    'TEMPORAL_CONNECTION_CLOSED',
    'the connection to Temporal is closed; make calls before it closes',
  );
}

function methodOf(service: object, name: string): Method {
  const method: unknown = Reflect.get(service, name);
  if (typeof method !== 'function') throw new TypeError(`the service has no method ${name}`);
  // It was found in the service of the first connection, and all have the same.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return method as Method;
}

async function endsWithin(ended: Promise<unknown>, timeoutMs: number): Promise<void> {
  const tooLate = new AbortController();
  const wait = sleep(timeoutMs, undefined, { signal: tooLate.signal }).catch(() => undefined);
  await Promise.race([ended, wait]);
  tooLate.abort();
}
