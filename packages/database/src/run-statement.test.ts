import { expect, test } from '@jest/globals';
import { DatabaseError } from './errors.ts';
import { runStatement } from './run-statement.ts';

class StoreError extends Error {}
const isOwn = (error: unknown): boolean => error instanceof StoreError;
const violation = new DatabaseError('DATABASE_CONFLICT', 'save a thing: refused');
const refuse = (failure: unknown) => async () => {
  throw failure;
};

test('resolves to what the statement does', async () => {
  await expect(runStatement('read', async () => 7, { isOwn })).resolves.toBe(7);
});

test('passes on what the store throws itself, untranslated', async () => {
  const own = new StoreError('taken');
  const translate = () => new StoreError('another');
  await expect(runStatement('save', refuse(own), { isOwn, translate })).rejects.toBe(own);
});

test('translates a failure that stands for something, and no other', async () => {
  const taken = new StoreError('taken');
  const translate = ({ code }: DatabaseError) => (code === 'DATABASE_CONFLICT' ? taken : undefined);
  await expect(runStatement('save', refuse(violation), { isOwn, translate })).rejects.toBe(taken);
  await expect(
    runStatement('save', refuse(new Error('secret row')), { isOwn, translate }),
  ).rejects.toMatchObject({ name: 'DatabaseError', message: expect.not.stringContaining('secret row') });
});

test('ends after its time', async () => {
  const never = () => new Promise<never>(() => undefined);
  await expect(runStatement('read', never, { isOwn, timeoutMs: 5 })).rejects.toMatchObject({
    code: 'DATABASE_TIMEOUT',
    retryable: true,
  });
});
