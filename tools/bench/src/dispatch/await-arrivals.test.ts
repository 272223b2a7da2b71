import { expect, test } from '@jest/globals';
import { awaitArrivals } from './await-arrivals.ts';
import type { Received } from './sink-process.ts';

const one: Received = { at: 0, webhookId: 'w', streamId: 's', eventId: 'e', isAccepted: true };
const options = { pollMs: 5, standstillMs: 200 };

test('it waits as long as something arrives, and no longer than until everything has', async () => {
  const received: Received[] = [];
  const timer = setInterval(() => received.push(one), 100);
  const startedAt = performance.now();
  await awaitArrivals({ received }, () => received.length === 6, options);
  clearInterval(timer);
  expect(received).toHaveLength(6);
  expect(performance.now() - startedAt).toBeGreaterThan(400);
});

test('it gives up when nothing has arrived for a while', async () => {
  await expect(awaitArrivals({ received: [one] }, () => false, options)).resolves.toBeUndefined();
});
