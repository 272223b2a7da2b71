import { expect, test } from '@jest/globals';
import { createLimiter } from './create-limiter.ts';

test('at most so many run at once, in order, also after failures', async () => {
  const limit = createLimiter(2, 1000);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const results = await Promise.allSettled(
    [0, 1, 2, 3, 4, 5].map((n) =>
      limit('work', async () => {
        begun.push(n);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        if (n % 2 === 1) throw new Error(`failed ${n}`);
        return n;
      }),
    ),
  );
  expect([begun, most]).toEqual([[0, 1, 2, 3, 4, 5], 2]);
  expect(results.map(({ status }) => status)).toEqual(
    [0, 1, 2, 3, 4, 5].map((n) => (n % 2 === 1 ? 'rejected' : 'fulfilled')),
  );
});

test('what waits for too long never begins, and takes no place', async () => {
  const limit = createLimiter(1, 20);
  let release = (): void => undefined;
  const first = limit('first', () => new Promise<void>((resolve) => (release = resolve)));
  let hasBegun = false;
  const second = limit('second', async () => {
    hasBegun = true;
  });
  await expect(second).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT', retryable: true });
  release();
  await first;
  await expect(limit('third', async () => 3)).resolves.toBe(3);
  expect(hasBegun).toBe(false);
});
