import { expect, test } from '@jest/globals';
import { withDeadline } from './with-deadline.ts';

test('an answer in time is the answer, and so is a failure', async () => {
  await expect(withDeadline(1000, 'x', async () => 7)).resolves.toBe(7);
  await expect(withDeadline(1000, 'x', () => Promise.reject(new Error('refused')))).rejects.toThrow(
    'refused',
  );
});

test('silence ends as a timeout that may be tried again', async () => {
  await expect(withDeadline(10, 'read it', () => new Promise(() => undefined))).rejects.toMatchObject({
    code: 'DATABASE_TIMEOUT',
    retryable: true,
    message: 'read it: no answer in time',
  });
});
