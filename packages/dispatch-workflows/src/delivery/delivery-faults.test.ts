import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Outcome } from '@heliograph/notifier';
import fc from 'fast-check';
import type { DeliveryOrder, DeliveryResult, LastAttempt } from '../contract/delivery-order.ts';
import { settleDelivery } from '../stream/settle-delivery.ts';
import {
  accepted,
  deliveryWorld,
  limited,
  lost,
  rejected,
  testOrder,
  WORLD_CALLS,
  type WorldFault,
} from '../testing/delivery-world.ts';
import { deliverAndRecord } from './deliver-and-record.ts';
import { deliverPatiently } from './deliver-patiently.ts';

type Call = (typeof WORLD_CALLS)[number];
type World = ReturnType<typeof deliveryWorld>;

/** Delivers as a stream does: a short attempt, then activities that the server repeats, on the world's clock. */
async function deliver(world: World, order: DeliveryOrder): Promise<DeliveryResult> {
  const { state, dependencies } = world;
  const { clock } = state;
  const signal = new AbortController().signal;
  /** What a process does until it dies; then the server notices, and it is as if it had failed. */
  const inProcess = async <T>(run: () => Promise<T>): Promise<T> => {
    const death = new Promise<never>((_, reject) => {
      state.onDeath = () => reject(new Error('died'));
    });
    return Promise.race([run(), death]);
  };
  const sleep = async (ms: number): Promise<void> => {
    clock.now += ms;
  };
  const activity = async (given: DeliveryOrder): Promise<DeliveryResult> => {
    const scheduledAt = clock.now;
    let remembered: LastAttempt | undefined;
    for (let attempt = 0; attempt < 1000; attempt++) {
      try {
        const lastAttempt = remembered;
        return await inProcess(() =>
          deliverPatiently(dependencies, given, {
            scheduledAt,
            signal,
            sleep,
            lastAttempt,
            remember: (last) => (remembered = last),
            random: () => 1,
          }),
        );
      } catch {
        await sleep(500);
      }
    }
    throw new Error('an activity does not end');
  };
  const attempt = inProcess(() => deliverAndRecord(dependencies, order));
  const first: DeliveryResult = await attempt.catch(() => ({
    kind: 'pending',
    code: 'FIRST_ATTEMPT_FAILED',
    waitMs: 0,
  }));
  return settleDelivery(order, first, {
    sleep,
    deliverPatiently: activity,
    now: () => clock.now,
    isCancellation: () => false,
    hasPatch: () => true,
    mustHandOver: () => false,
  });
}

/** Watches a world for what must never be. */
function watch(world: World) {
  const { state, dependencies } = world;
  const seen = { doubts: 0, deaths: 0, deliveries: 0, unreadable: 0, problems: [] as string[] };
  const { deliver: send } = dependencies.channels;
  const { read } = dependencies.intents;
  const row = () => [...state.intents.rows.values()][0];
  const check = (): void => {
    const hasDoubt = row()?.wasUncertain === true || row()?.status === 'uncertain';
    const says = state.entries.some(({ outcome }) => outcome === 'uncertain');
    if ((hasDoubt || says) && seen.doubts + seen.deaths === 0) seen.problems.push('doubts what is known');
  };
  const channels: typeof dependencies.channels = {
    ...dependencies.channels,
    deliver: async (request) => {
      check();
      const status = row()?.status;
      if (status !== 'intended' && status !== 'uncertain') seen.problems.push(`sends what is ${status}`);
      if (seen.doubts > 0 && row()?.wasUncertain !== true) seen.problems.push('resends without a doubt');
      if (seen.deliveries > 0 && seen.deaths === 0) seen.problems.push('sends what it knows to be delivered');
      const isInLedger = state.entries.some(({ outcome }) => outcome === 'uncertain');
      if (row()?.wasUncertain === true && !isInLedger)
        seen.problems.push('resends before the ledger says so');
      if (state.received > 0 && row()?.wasUncertain !== true)
        seen.problems.push('sends what was delivered, without a doubt');
      try {
        const outcome = await send(request);
        if (outcome.kind === 'uncertain') seen.doubts++;
        if (outcome.kind === 'delivered') seen.deliveries++;
        return outcome;
      } catch (error) {
        seen.doubts++;
        throw error;
      }
    },
  };
  const intents: typeof dependencies.intents = {
    ...dependencies.intents,
    read: (ids) =>
      read(ids).catch((error: unknown) => {
        seen.unreadable++;
        throw error;
      }),
  };
  return { watched: { ...world, dependencies: { ...dependencies, channels, intents } }, seen, check };
}

/** Runs one notification to its end, and checks what holds whatever fails. */
async function checkDelivery(answers: readonly Outcome[], faultOf: (call: Call) => WorldFault) {
  const world = deliveryWorld(...answers);
  const { watched, seen, check } = watch(world);
  world.state.faultOf = (call) => {
    const fault = faultOf(call);
    if (fault === 'dies before' || fault === 'dies after') seen.deaths++;
    return fault;
  };
  const result = await deliver(watched, testOrder({ decidedAt: world.state.clock.now }));
  check();
  // Where the process died with the answer, what it was is not known.
  if (seen.deliveries > 0 && seen.deaths === 0) expect(result).toMatchObject({ kind: 'delivered' });
  // Whatever was received and is not known to be is closed in the end.
  if (world.state.received > 0 && result.kind === 'dropped')
    expect(result).toMatchObject({ mayBeOpen: true });
  if (result.kind === 'dropped' && result.mayBeOpen === true)
    expect(seen.doubts + seen.unreadable + seen.deaths).toBeGreaterThan(0);
  if (result.kind === 'dropped' && seen.doubts > 0) expect(result).toMatchObject({ mayBeOpen: true });
  const status = [...world.state.intents.rows.values()][0]?.status;
  // What could be persisted is what happened.
  if (result.kind !== 'pending' && result.recorded === true && status !== undefined)
    expect(status).toBe(result.kind);
  return { result, state: world.state, problems: seen.problems };
}

const ANSWERS: readonly (readonly [string, readonly Outcome[]])[] = [
  ['accepted', [accepted]],
  ['refused for now, then accepted', [rejected(true), accepted]],
  ['refused twice, then accepted', [rejected(true), rejected(true), accepted]],
  ['throttled, then accepted', [limited(2000), accepted]],
  ['refused permanently', [rejected(false)]],
  ['refused for now, then permanently', [rejected(true), rejected(false)]],
  ['not answered, then accepted', [lost, accepted]],
  ['not answered, then refused', [lost, rejected(true), rejected(false)]],
  ['never answered', Array.from({ length: 40 }, () => lost)],
  ['never accepted', Array.from({ length: 40 }, () => rejected(true))],
];

/** Which of the calls of one kind go wrong, by number; the last one only for a while. */
const WHEN: readonly (readonly [string, (nth: number) => boolean])[] = [
  ['the first', (nth) => nth === 1],
  ['the second', (nth) => nth === 2],
  ['every other', (nth) => nth % 2 === 1],
  ['the first twelve', (nth) => nth <= 12],
  ['every', () => true],
];

// The deadlines of a process that died must not wake it up again.
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('whatever fails, nothing is sent without a claim and nothing that is known is doubted', () => {
  for (const call of WORLD_CALLS)
    for (const fault of ['fails', 'answer lost', 'dies before', 'dies after'] as const)
      test.each(WHEN)(`%s "${call}" ${fault}`, async (_, isHit) => {
        for (const [, answers] of ANSWERS) {
          let count = 0;
          const { problems } = await checkDelivery(answers, (each) =>
            each === call && isHit(++count) ? fault : null,
          );
          expect(problems).toEqual([]);
        }
      });

  test('several at once, at random', async () => {
    const answer = fc.constantFrom<Outcome>(accepted, rejected(true), rejected(false), limited(1500), lost);
    const fault = fc.constantFrom<WorldFault>(
      ...Array.from({ length: 6 }, () => null),
      ...(['fails', 'answer lost', 'dies before', 'dies after'] as const),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(answer, { maxLength: 8 }),
        fc.array(fault, { maxLength: 80 }),
        async (answers, faults) => {
          let count = 0;
          const { problems } = await checkDelivery(answers, () => faults[count++] ?? null);
          expect(problems).toEqual([]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('an outcome whose row could not be written', () => {
  test.each([
    ['a 503', rejected(true)],
    ['a throttle', limited(1000)],
  ])('%s leaves no doubt when it is tried again, and reaches the ledger', async (_, outcome) => {
    let writes = 0;
    const { result, state } = await checkDelivery([outcome, accepted], (call) =>
      call === 'write' && ++writes === 1 ? 'fails' : null,
    );
    expect(result).toMatchObject({ kind: 'delivered' });
    expect(state.log.filter((line) => line.startsWith('claim'))).toEqual([
      'claim after null',
      'claim after refused',
    ]);
    expect(state.entries.filter(({ stage }) => stage === 'attempted').map((each) => each.attempt)).toEqual([
      1, 2,
    ]);
  });

  test('leaves doubt where it was in doubt', async () => {
    let writes = 0;
    const { state } = await checkDelivery([lost, accepted], (call) =>
      call === 'write' && ++writes === 1 ? 'fails' : null,
    );
    expect(state.log).toContain('claim after intended');
  });
});

test('a claim whose answer is lost is repeated, and is one attempt', async () => {
  let claims = 0;
  const { result, state } = await checkDelivery([accepted], (call) =>
    call === 'claim' && ++claims === 1 ? 'answer lost' : null,
  );
  expect(result).toMatchObject({ kind: 'delivered' });
  expect(state.requests).toHaveLength(1);
  expect(state.settled).toMatchObject([{ status: 'delivered', claims: 1 }]);
});

test('an attempt that was stopped and could not write so leaves no doubt to the process that follows', async () => {
  const { state, dependencies } = deliveryWorld();
  const controller = new AbortController();
  state.onClaim = () => controller.abort();
  state.writeFails = true;
  const remembered: LastAttempt[] = [];
  const patience = { scheduledAt: state.clock.now, random: () => 1, sleep: async () => undefined };
  const { signal } = controller;
  const stopped = deliverPatiently(dependencies, testOrder(), {
    ...patience,
    signal,
    remember: (last: LastAttempt) => remembered.push(last),
  });
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  state.onClaim = () => undefined;
  state.writeFails = false;
  const [lastAttempt] = remembered;
  const next = { ...patience, signal: new AbortController().signal, lastAttempt };
  await expect(deliverPatiently(dependencies, testOrder(), next)).resolves.toMatchObject({
    kind: 'delivered',
  });
  expect(state.log).toEqual(['claim after null', 'claim after null', 'send', 'write delivered']);
});
