import { describe, expect, test } from '@jest/globals';
import { createExecutionLog } from './create-execution-log.ts';
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

  test('the answer to a claim is lost: the claim is found to be ours', async () => {
    const store = createMemoryExecutionStore();
    let isFirst = true;
    const log = createExecutionLog({
      ...store,
      claim: async (...args) => {
        await store.claim(...args);
        if (isFirst) {
          isFirst = false;
          await away();
        }
      },
    });
    await expect(log.once('k', async () => 'ch_1', charge)).rejects.toThrow('the database is away');
    await expect(log.once('k', async () => 'ch_1', { ...charge, waitMs: 0 })).rejects.toMatchObject({
      code: 'EXECUTION_BUSY',
    });
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
