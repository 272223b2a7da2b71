import { expect, test } from '@jest/globals';
import * as v from 'valibot';
import { createExecutionLog, type OnceOptions } from '../create-execution-log.ts';
import { MAX_RESULT_BYTES } from '../to-outcome.ts';
import { charge } from './charge.ts';
import type { ExecutionStore } from '../store/execution-store.ts';

/** What `once` promises on every store. */
export function testExecutionLog(storeOf: () => ExecutionStore): void {
  const once = (key: string, effect: () => Promise<string>, options: OnceOptions<string>): Promise<string> =>
    createExecutionLog(storeOf()).once(key, effect, options);
  let last = 0;
  const newKey = (): string => `contract-${++last}`;
  const doubtful = async (key: string): Promise<void> => {
    await expect(once(key, () => Promise.reject(new Error('connection reset')), charge)).rejects.toThrow(
      'connection reset',
    );
  };

  test('it runs once, and a repeat gets the result', async () => {
    const key = newKey();
    let runs = 0;
    const pay = async (): Promise<string> => `ch_${++runs}`;
    await expect(once(key, pay, charge)).resolves.toBe('ch_1');
    await expect(once(key, pay, charge)).resolves.toBe('ch_1');
    expect(runs).toBe(1);
  });

  test('of many callers at once one runs, and the others get its result', async () => {
    const key = newKey();
    let runs = 0;
    const results = await Promise.all(
      Array.from({ length: 12 }, () =>
        once(
          key,
          async () => {
            await new Promise((resolve) => setTimeout(resolve, 50));
            return `ch_${++runs}`;
          },
          charge,
        ),
      ),
    );
    expect(new Set(results)).toEqual(new Set(['ch_1']));
    expect(runs).toBe(1);
  });

  test('who does not want to wait is told that it is busy, and the runner is not disturbed', async () => {
    const key = newKey();
    const go = Promise.withResolvers<string>();
    const started = Promise.withResolvers<void>();
    const first = once(
      key,
      () => {
        started.resolve();
        return go.promise;
      },
      charge,
    );
    await started.promise;
    await expect(once(key, async () => 'ch_2', { ...charge, waitMs: 0 })).rejects.toMatchObject({
      code: 'EXECUTION_BUSY',
      retryable: true,
    });
    go.resolve('ch_1');
    await expect(first).resolves.toBe('ch_1');
  });

  test('the same key for another request is refused, whatever its state', async () => {
    const key = newKey();
    const request = 'charge 10 EUR';
    await once(key, async () => 'ch_1', { ...charge, request });
    await expect(
      once(key, async () => 'ch_2', { ...charge, request: 'charge 99 EUR' }),
    ).rejects.toMatchObject({
      code: 'EXECUTION_MISMATCH',
      retryable: false,
    });
    await expect(once(key, async () => 'ch_2', { ...charge, request })).resolves.toBe('ch_1');
  });

  test('an effect that fails is in doubt: refuse', async () => {
    const key = newKey();
    await doubtful(key);
    await expect(once(key, async () => 'ch_2', charge)).rejects.toMatchObject({
      code: 'EXECUTION_IN_DOUBT',
      retryable: false,
      message: expect.stringContaining(key),
    });
  });

  test('an effect that fails is in doubt: retry', async () => {
    const key = newKey();
    await doubtful(key);
    await expect(once(key, async () => 'ch_2', { ...charge, inDoubt: { kind: 'retry' } })).resolves.toBe(
      'ch_2',
    );
    await expect(once(key, async () => 'ch_3', charge)).resolves.toBe('ch_2');
  });

  test.each([
    ['done', { kind: 'done', result: 'ch_found' } as const, 'ch_found', 0],
    ['not done', { kind: 'notDone' } as const, 'ch_new', 1],
  ])('an effect that fails is in doubt: look up, which finds it %s', async (_, found, result, runs) => {
    const key = newKey();
    await doubtful(key);
    let count = 0;
    const pay = async (): Promise<string> => {
      count++;
      return 'ch_new';
    };
    const inDoubt = { kind: 'lookUp', lookUp: async () => found } as const;
    await expect(once(key, pay, { ...charge, inDoubt })).resolves.toBe(result);
    await expect(once(key, pay, charge)).resolves.toBe(result);
    expect(count).toBe(runs);
  });

  test('a look-up that cannot tell, or fails, leaves it in doubt', async () => {
    const key = newKey();
    await doubtful(key);
    const unknown = { kind: 'lookUp', lookUp: async () => ({ kind: 'unknown' as const }) } as const;
    await expect(once(key, async () => 'ch_2', { ...charge, inDoubt: unknown })).rejects.toMatchObject({
      code: 'EXECUTION_IN_DOUBT',
    });
    const fails = { kind: 'lookUp', lookUp: () => Promise.reject(new Error('503')) } as const;
    await expect(once(key, async () => 'ch_2', { ...charge, inDoubt: fails })).rejects.toThrow('503');
    await expect(once(key, async () => 'ch_2', charge)).rejects.toMatchObject({ code: 'EXECUTION_IN_DOUBT' });
  });

  test('an effect that is known not to have happened leaves nothing behind', async () => {
    const key = newKey();
    const isNotDone = (error: unknown): boolean => error instanceof Error && error.message === 'declined';
    const declined = () => Promise.reject(new Error('declined'));
    await expect(once(key, declined, { ...charge, isNotDone })).rejects.toThrow('declined');
    await expect(once(key, async () => 'ch_2', charge)).resolves.toBe('ch_2');
  });

  test('that a second attempt did not happen says nothing of the first', async () => {
    const key = newKey();
    await doubtful(key);
    const declined = () => Promise.reject(new Error('declined'));
    await expect(
      once(key, declined, { ...charge, inDoubt: { kind: 'retry' }, isNotDone: () => true }),
    ).rejects.toThrow('declined');
    await expect(once(key, async () => 'ch_3', charge)).rejects.toMatchObject({ code: 'EXECUTION_IN_DOUBT' });
  });

  test('a result that cannot be stored is no reason to run again', async () => {
    const key = newKey();
    const large = async (): Promise<string> => 'x'.repeat(MAX_RESULT_BYTES);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(once(key, large, charge)).rejects.toMatchObject({
        code: 'EXECUTION_RESULT_INVALID',
        retryable: false,
      });
    }
  });

  test('a schema that throws is no reason to run again', async () => {
    const key = newKey();
    const url = v.pipe(
      v.string(),
      v.transform((text) => new URL(text).href),
    );
    let runs = 0;
    const shorten = async (): Promise<string> => `not a url ${++runs}`;
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(
        once(key, shorten, { inDoubt: { kind: 'retry' }, result: url, leaseMs: 1000 }),
      ).rejects.toMatchObject({ code: 'EXECUTION_RESULT_INVALID' });
    }
    expect(runs).toBe(1);
  });

  test('an isNotDone that throws knows nothing: the caller gets the error of the effect, and it is in doubt', async () => {
    const key = newKey();
    const isNotDone = (): boolean => {
      throw new TypeError('error.response is undefined');
    };
    await expect(
      once(key, () => Promise.reject(new Error('connection reset')), { ...charge, isNotDone }),
    ).rejects.toThrow('connection reset');
    await expect(once(key, async () => 'ch_2', charge)).rejects.toMatchObject({ code: 'EXECUTION_IN_DOUBT' });
  });

  test('a caller who has left before it began leaves nothing behind', async () => {
    const key = newKey();
    await expect(
      once(key, async () => 'ch_1', { ...charge, signal: AbortSignal.abort(new Error('gone')) }),
    ).rejects.toThrow('gone');
    await expect(once(key, async () => 'ch_2', charge)).resolves.toBe('ch_2');
  });

  test.each(['', 'with space', 'ü', 'line\nbreak', 'x'.repeat(256)])('the key %j is refused', async (key) => {
    await expect(once(key, async () => 'ch_1', charge)).rejects.toMatchObject({
      code: 'EXECUTION_KEY_INVALID',
    });
  });

  test('a lease, and a time to keep, that are too short are refused', async () => {
    await expect(once('k', async () => 'x', { ...charge, leaseMs: 10 })).rejects.toThrow('leaseMs');
    await expect(once('k', async () => 'x', { ...charge, keepMs: 1000 })).rejects.toThrow('keepMs');
  });
}
