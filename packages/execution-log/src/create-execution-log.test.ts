import { describe, expect, test } from '@jest/globals';
import { createExecutionLog, type Execution, type OnceOptions } from './create-execution-log.ts';
import type { ExecutionStore } from './store/execution-store.ts';
import { createMemoryExecutionStore } from './store/memory-store.ts';
import { charge } from './testing/charge.ts';
import { testExecutionLog } from './testing/log-contract.ts';

describe('in memory', () => {
  const store = createMemoryExecutionStore();
  testExecutionLog(() => store);
});

describe('a store that fails', () => {
  const away = () => Promise.reject(new Error('the database is away'));

  test('before anything ran: nothing runs', async () => {
    const log = createExecutionLog({ ...createMemoryExecutionStore(), find: away });
    let runs = 0;
    await expect(log.once('k', async () => `${++runs}`, charge)).rejects.toThrow('the database is away');
    expect(runs).toBe(0);
  });

  test('when it has happened: recording is repeated, and the caller gets its result', async () => {
    const store = createMemoryExecutionStore();
    let failures = 3;
    const log = createExecutionLog({
      ...store,
      complete: async (...args) => (failures-- > 0 ? away() : store.complete(...args)),
    });
    await expect(log.once('k', async () => 'ch_1', charge)).resolves.toBe('ch_1');
  });

  test('for longer than recording is repeated: it is in doubt, and says so', async () => {
    let now = 0;
    const store = createMemoryExecutionStore(() => now);
    const failing = createExecutionLog({ ...store, complete: away });
    await expect(failing.once('k', async () => 'ch_1', { ...charge, recordMs: 1 })).rejects.toMatchObject({
      code: 'EXECUTION_UNRECORDED',
      retryable: true,
    });
    now = 60_000;
    await expect(createExecutionLog(store).once('k', async () => 'ch_2', charge)).rejects.toMatchObject({
      code: 'EXECUTION_IN_DOUBT',
    });
  });

  /** A store whose `method` does what it is asked, and whose answer is lost `times` times. */
  const losing = (method: 'claim' | 'forget', times: number, isDone = true) => {
    const store = createMemoryExecutionStore();
    let left = times;
    const lose = async <R>(statement: () => Promise<R>): Promise<R> => {
      if (left-- <= 0) return statement();
      if (isDone) await statement();
      return away();
    };
    return {
      store,
      log: createExecutionLog({
        ...store,
        ...(method === 'claim' && { claim: (...args) => lose(() => store.claim(...args)) }),
        ...(method === 'forget' && { forget: (...args) => lose(() => store.forget(...args)) }),
      } satisfies ExecutionStore),
    };
  };

  test.each([
    ['was made', true],
    ['was not made', false],
  ])('the answer to a claim that %s is lost: it runs once, and is not in doubt', async (_, isDone) => {
    const { log } = losing('claim', 3, isDone);
    let runs = 0;
    await expect(log.once('k', async () => `ch_${++runs}`, charge)).resolves.toBe('ch_1');
    await expect(log.once('k', async () => `ch_${++runs}`, charge)).resolves.toBe('ch_1');
  });

  test('for as long as a caller waits for the answer to its claim: nothing ran, and nothing is in doubt', async () => {
    const { log, store } = losing('claim', 1);
    await expect(log.once('k', async () => 'ch_1', { ...charge, waitMs: 0 })).rejects.toThrow('is away');
    await expect(store.find('k')).resolves.toBeNull();
    await expect(log.once('k', async () => 'ch_2', charge)).resolves.toBe('ch_2');
  });

  test('when it looks whether the claim is its own: it looks again', async () => {
    const store = createMemoryExecutionStore();
    let looks = 0;
    const find: ExecutionStore['find'] = async (key) => (++looks === 2 ? away() : store.find(key));
    await expect(createExecutionLog({ ...store, find }).once('k', async () => 'ch_1', charge)).resolves.toBe(
      'ch_1',
    );
  });

  test('an error that says that it is final is not waited for, and leaves nothing in doubt', async () => {
    const store = createMemoryExecutionStore();
    let claims = 0;
    const claim = (): Promise<void> => {
      claims++;
      return Promise.reject(Object.assign(new Error('permission denied'), { retryable: false }));
    };
    await expect(
      createExecutionLog({ ...store, claim }).once('k', async () => 'ch_1', charge),
    ).rejects.toThrow('permission denied');
    expect(claims).toBe(1);
  });

  test('a caller that leaves between its claim and its effect takes the claim along', async () => {
    const store = createMemoryExecutionStore();
    const leaving = new AbortController();
    const claim: ExecutionStore['claim'] = async (...args) => {
      await store.claim(...args);
      leaving.abort(new Error('gone'));
    };
    const options = { ...charge, signal: leaving.signal };
    await expect(
      createExecutionLog({ ...store, claim }).once('k', async () => 'ch_1', options),
    ).rejects.toThrow('gone');
    await expect(store.find('k')).resolves.toBeNull();
  });

  test('when an effect is known not to have happened: forgetting it is repeated, and nothing is in doubt', async () => {
    const { log, store } = losing('forget', 3, false);
    const declined = () => Promise.reject(new Error('declined'));
    await expect(log.once('k', declined, { ...charge, isNotDone: () => true })).rejects.toThrow('declined');
    await expect(store.find('k')).resolves.toBeNull();
  });
});

describe('the fence of each claim is greater than that of every claim before', () => {
  const fences: bigint[] = [];
  const fail = async ({ fence }: Execution): Promise<string> => {
    fences.push(fence);
    throw new Error('reset');
  };
  const retry = { ...charge, inDoubt: { kind: 'retry' } } as const;
  /** Another caller, from its claim to its end. */
  const another = (store: ExecutionStore, options: OnceOptions<string>): Promise<unknown> =>
    createExecutionLog(store)
      .once('k', fail, options)
      .catch(() => undefined);
  const areRising = (): boolean =>
    fences.every((fence, index) => index === 0 || fence > (fences[index - 1] ?? 0n));

  test('when another one takes over first', async () => {
    fences.length = 0;
    const store = createMemoryExecutionStore();
    await another(store, retry);
    let isFirst = true;
    const takeOver: ExecutionStore['takeOver'] = async (...args) => {
      if (isFirst) {
        isFirst = false;
        await another(store, retry);
      }
      return store.takeOver(...args);
    };
    await another({ ...store, takeOver }, retry);
    expect(fences).toHaveLength(3);
    expect(areRising()).toBe(true);
  });

  test('when others claim first, and forget it', async () => {
    fences.length = 0;
    const store = createMemoryExecutionStore();
    const forgets = { ...charge, isNotDone: () => true };
    const go = Promise.withResolvers<string>();
    const started = Promise.withResolvers<void>();
    let looks = 0;
    const find: ExecutionStore['find'] = async (key) => {
      // This caller has drawn a fence, and lost its claim to the one that runs, which now ends; then a third one comes.
      if (++looks === 2) {
        go.reject(new Error('declined'));
        await running;
        await another(store, forgets);
      }
      return store.find(key);
    };
    const claim: ExecutionStore['claim'] = async (...args) => {
      if (looks === 1) await started.promise;
      return store.claim(...args);
    };
    let running: Promise<unknown> = Promise.resolve();
    const nextFence = async (): Promise<bigint> => {
      const fence = await store.nextFence();
      if (looks === 1) {
        running = createExecutionLog(store)
          .once(
            'k',
            (execution) => {
              fences.push(execution.fence);
              started.resolve();
              return go.promise;
            },
            forgets,
          )
          .catch(() => undefined);
      }
      return fence;
    };
    await another({ ...store, find, claim, nextFence }, forgets);
    expect(fences).toHaveLength(3);
    expect(areRising()).toBe(true);
  });
});

test('a runner whose lease another one took over hears of it, and does not record over the other', async () => {
  let now = 0;
  const store = createMemoryExecutionStore(() => now);
  const overruns: string[] = [];
  const log = createExecutionLog({
    ...store,
    // A process that stands still sends nothing.
    renew: async () => true,
    markOverrun: async (key) => {
      overruns.push(key);
    },
  });
  const go = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  const slow = log.once(
    'k',
    () => {
      started.resolve();
      return go.promise;
    },
    charge,
  );
  await started.promise;
  now = 60_000;
  await expect(log.once('k', async () => 'ch_2', { ...charge, inDoubt: { kind: 'retry' } })).resolves.toBe(
    'ch_2',
  );
  go.resolve('ch_1');
  await expect(slow).rejects.toMatchObject({ code: 'EXECUTION_LEASE_LOST' });
  expect(overruns).toEqual(['k']);
  await expect(log.once('k', async () => 'ch_3', charge)).resolves.toBe('ch_2');
});
