import { describe, expect, test } from '@jest/globals';
import type { CallContext, ConnectionLike } from '@temporalio/client';
import { replaceableConnection } from './replaceable-connection.ts';

/** A connection whose calls the test answers. */
function fakeConnection(name: string) {
  const calls: { readonly context: CallContext; readonly answer: (response: unknown) => void }[] = [];
  const state = { isClosed: false, isCancellable: true };
  let context: CallContext = {};
  const within = <R>(more: CallContext, run: () => Promise<R>): Promise<R> => {
    const before = context;
    context = { ...context, ...more };
    try {
      return run();
    } finally {
      context = before;
    }
  };
  const startWorkflowExecution = () =>
    new Promise((resolve, reject) => {
      calls.push({ context, answer: resolve });
      context.abortSignal?.addEventListener('abort', () => {
        if (state.isCancellable) reject(new Error(`${name}: cancelled`));
      });
    });
  const connection = {
    workflowService: { startWorkflowExecution },
    operatorService: {},
    plugins: [],
    ensureConnected: startWorkflowExecution,
    withDeadline: (deadline: number | Date, run: () => Promise<unknown>) => within({ deadline }, run),
    withMetadata: (metadata: Record<string, string>, run: () => Promise<unknown>) =>
      within({ metadata }, run),
    withAbortSignal: (abortSignal: AbortSignal, run: () => Promise<unknown>) => within({ abortSignal }, run),
    close: async () => void (state.isClosed = true),
  } as unknown as ConnectionLike;
  return { connection, calls, state };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection that is replaced', () => {
  test('ends when its last call has ended, and new calls go over the next one', async () => {
    const [first, second] = [fakeConnection('first'), fakeConnection('second')];
    const replaceable = replaceableConnection(first.connection);
    const { workflowService } = replaceable.connection;
    const old = [workflowService.startWorkflowExecution({}), workflowService.startWorkflowExecution({})];
    replaceable.replace(second.connection);
    const next = workflowService.startWorkflowExecution({});
    expect([first.calls.length, second.calls.length]).toEqual([2, 1]);
    first.calls[0]?.answer('one');
    await old[0];
    await turn();
    expect(first.state.isClosed).toBe(false);
    first.calls[1]?.answer('two');
    await expect(old[1]).resolves.toBe('two');
    await turn();
    expect([first.state.isClosed, second.state.isClosed]).toEqual([true, false]);
    second.calls[0]?.answer('three');
    await expect(next).resolves.toBe('three');
    expect(replaceable.current()).toBe(second.connection);
  });

  test('ends at once without calls, and not because it is replaced by itself', async () => {
    const [first, second] = [fakeConnection('first'), fakeConnection('second')];
    const replaceable = replaceableConnection(first.connection);
    replaceable.replace(first.connection);
    await turn();
    expect(first.state.isClosed).toBe(false);
    replaceable.replace(second.connection);
    await turn();
    expect(first.state.isClosed).toBe(true);
  });

  test('keeps deadline, metadata and signal of a scope for calls over the next one', async () => {
    const [first, second] = [fakeConnection('first'), fakeConnection('second')];
    const replaceable = replaceableConnection(first.connection);
    const { connection } = replaceable;
    const stop = new AbortController();
    const running = connection.withDeadline(77, () =>
      connection.withMetadata({ a: '1' }, () =>
        connection.withMetadata({ b: '2' }, () =>
          connection.withAbortSignal(stop.signal, async () => {
            replaceable.replace(second.connection);
            await connection.workflowService.startWorkflowExecution({});
          }),
        ),
      ),
    );
    expect(second.calls[0]?.context).toMatchObject({ deadline: 77, metadata: { a: '1', b: '2' } });
    stop.abort();
    await expect(running).rejects.toThrow('second: cancelled');
  });
});

describe('closing', () => {
  test('waits for calls, then cancels what is left, on replaced connections too', async () => {
    const [first, second] = [fakeConnection('first'), fakeConnection('second')];
    const replaceable = replaceableConnection(first.connection);
    const { workflowService } = replaceable.connection;
    const lost = workflowService.startWorkflowExecution({});
    replaceable.replace(second.connection);
    const ended = workflowService.startWorkflowExecution({});
    const closed = replaceable.close(50);
    second.calls[0]?.answer('in time');
    await expect(ended).resolves.toBe('in time');
    await expect(lost).rejects.toThrow('first: cancelled');
    await closed;
    expect([first.state.isClosed, second.state.isClosed]).toEqual([true, true]);
  });

  test('does not close under a call that cannot be cancelled, and answers its caller', async () => {
    const [first, second] = [fakeConnection('first'), fakeConnection('second')];
    for (const each of [first, second]) each.state.isCancellable = false;
    const replaceable = replaceableConnection(first.connection);
    const { workflowService } = replaceable.connection;
    const calls: Promise<unknown>[] = [workflowService.startWorkflowExecution({})];
    replaceable.replace(second.connection);
    calls.push(workflowService.startWorkflowExecution({}), replaceable.connection.ensureConnected());
    const lost = Promise.allSettled(calls);
    await replaceable.close(0);
    const failure = expect.objectContaining({ code: 'TEMPORAL_CONNECTION_CLOSED', retryable: false });
    expect(await lost).toEqual(calls.map(() => ({ status: 'rejected', reason: failure })));
    expect([first.state.isClosed, second.state.isClosed]).toEqual([false, false]);
    first.calls[0]?.answer('too late');
    second.calls[0]?.answer('too late');
    await turn();
    expect([first.state.isClosed, second.state.isClosed]).toEqual([true, false]);
    second.calls[1]?.answer('too late');
    await turn();
    expect(second.state.isClosed).toBe(true);
  });

  test('refuses calls that begin meanwhile and afterwards', async () => {
    const first = fakeConnection('first');
    const { connection } = replaceableConnection(first.connection);
    const running = connection.workflowService.startWorkflowExecution({});
    const refused = { code: 'TEMPORAL_CONNECTION_CLOSED' };
    const isClosed = connection.close();
    await expect(connection.workflowService.startWorkflowExecution({})).rejects.toMatchObject(refused);
    first.calls[0]?.answer('in time');
    await expect(running).resolves.toBe('in time');
    await isClosed;
    await expect(connection.workflowService.startWorkflowExecution({})).rejects.toMatchObject(refused);
    await expect(connection.ensureConnected()).rejects.toMatchObject(refused);
    expect(first.calls).toHaveLength(1);
  });

  test('closes what arrives as a replacement afterwards', async () => {
    const [first, late] = [fakeConnection('first'), fakeConnection('late')];
    const replaceable = replaceableConnection(first.connection);
    await replaceable.connection.close();
    replaceable.replace(late.connection);
    await turn();
    expect(late.state.isClosed).toBe(true);
  });
});

test('a callback gets the answer, as in the services of the SDK', async () => {
  const first = fakeConnection('first');
  const { connection } = replaceableConnection(first.connection);
  const answered = new Promise((resolve) => {
    connection.workflowService.startWorkflowExecution({}, (_, response) => resolve(response));
  });
  first.calls[0]?.answer('called back');
  await expect(answered).resolves.toBe('called back');
});
