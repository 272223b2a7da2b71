import { DatabaseError } from '@heliograph/database';
import { createLogger, manualClock, type ServicePart } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { createWhenAvailable } from './when-available.ts';

const away = new DatabaseError('DATABASE_UNAVAILABLE', 'away', { retryable: true });
const ahead = new DatabaseError('DATABASE_MIGRATION_AHEAD', 'newer');
const settle = () => new Promise((resolve) => setImmediate(resolve));

function ground(outcomes: readonly (Error | null)[]) {
  const clock = manualClock();
  const parts: ServicePart[] = [];
  const failures: unknown[] = [];
  const logger = createLogger({ name: 't', level: 'fatal', destination: { write: () => undefined } });
  const whenAvailable = createWhenAvailable({
    logger,
    clock,
    register: (part) => parts.push(part),
    fail: (error) => failures.push(error),
  });
  let runs = 0;
  const run = async () => {
    const outcome = outcomes[Math.min(runs++, outcomes.length - 1)];
    if (outcome instanceof Error) throw outcome;
  };
  const wait = async () => {
    await settle();
    clock.advance(5000);
    await settle();
  };
  return { start: () => whenAvailable('PostgreSQL', run), wait, parts, failures, runs: () => runs };
}

test('work that succeeds is not repeated', async () => {
  const { start, parts, runs } = ground([null]);
  await start();
  expect([runs(), parts.length]).toEqual([1, 0]);
});

test('work is tried again until its database is there', async () => {
  const { start, wait, failures, runs } = ground([away, away, null]);
  await start();
  for (let times = 0; times < 4; times++) await wait();
  expect([runs(), failures]).toEqual([3, []]);
});

test('a permanent failure ends the start, or later the app', async () => {
  await expect(ground([ahead]).start()).rejects.toBe(ahead);
  const { start, wait, failures, runs } = ground([away, ahead]);
  await start();
  for (let times = 0; times < 3; times++) await wait();
  expect([runs(), failures]).toEqual([2, [ahead]]);
});

test('a stop ends the waiting', async () => {
  const { start, parts, runs } = ground([away]);
  await start();
  await parts[0]?.stop(1000);
  expect([runs(), parts.map(({ name }) => name)]).toEqual([1, ['PostgreSQL']]);
});
