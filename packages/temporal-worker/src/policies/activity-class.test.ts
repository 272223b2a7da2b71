import { describe, expect, test } from '@jest/globals';
import { type ActivityClass, defineActivityClass } from './activity-class.ts';
import { ACTIVITY_CLASSES } from './activity-classes.ts';
import { limit, none } from './limit.ts';

const { billing, delivery, longJob, localAttempt, quickRead } = ACTIVITY_CLASSES;
/** As JavaScript, or a configuration, would hand it over. */
const define = (given: object) => (): ActivityClass => defineActivityClass(given as ActivityClass);

describe('a class is refused where it is declared, in one line', () => {
  const { startToClose: _, ...withoutStartToClose } = quickRead;
  const { heartbeat: __, ...withoutHeartbeat } = longJob;
  test.each([
    [withoutStartToClose, /^activity class quickRead: startToClose: it is missing; state a value/],
    [withoutHeartbeat, /^activity class longJob: heartbeat: it is missing; state a value/],
    [{ ...quickRead, startToClose: none('it is quick') }, /startToClose: expected at least|startToClose/],
    [{ ...quickRead, startToClose: { ms: 5000, because: ' ' } }, /startToClose.because: a reason is missing/],
    [{ ...quickRead, startToClose: { ms: 0, because: 'it is quick' } }, /startToClose.ms: expected at least/],
    [{ ...quickRead, startToClose: { ms: Number.NaN, because: 'it is quick' } }, /startToClose.ms/],
    [{ ...quickRead, name: 'quick read' }, /class quick read: name/],
    [{ ...quickRead, retry: { ...quickRead.retry, attempts: undefined } }, /retry.attempts/],
    [
      { ...billing, scheduleToStart: limit('1 min', 'why not') },
      /scheduleToStart: work that may not be given/,
    ],
    [
      { ...delivery, scheduleToStart: limit('1 h', 'why not') },
      /scheduleToStart: work that may not be given/,
    ],
    ...[billing, delivery, longJob].map((policy): [object, RegExp] => [
      { ...policy, scheduleToClose: limit('90 d', 'it is long') },
      /scheduleToClose: work that may not be given up has none, because it counts the time without workers/,
    ]),
    [{ ...longJob, heartbeat: none('it is fast') }, /heartbeat: an attempt of more than 10 min has one/],
    [{ ...longJob, heartbeat: limit('12 h', 'it is slow') }, /heartbeat: it has to be shorter/],
    [{ ...localAttempt, heartbeat: limit('1 s', 'to be safe') }, /a local activity has none/],
    [{ ...quickRead, scheduleToClose: limit('1 s', 'short') }, /scheduleToClose: it has to be at least/],
    [{ ...quickRead, scheduleToClose: limit('5 s', 'one attempt') }, /scheduleToClose: it leaves no time/],
    [
      { ...quickRead, retry: { ...quickRead.retry, maximumInterval: limit('1 ms', 'short') } },
      /retry.maximumInterval: it has to be at least initialInterval/,
    ],
    [null as unknown as object, /activity class undefined/],
  ])('%#', (given, message) => {
    expect(define(given)).toThrow(
      expect.objectContaining({
        code: 'TEMPORAL_POLICY_INVALID',
        message: expect.stringMatching(message),
      }),
    );
    expect(define(given)).not.toThrow(/\n/);
  });
});

test('every standard class states a reason for each of its values', () => {
  for (const [key, policy] of Object.entries<ActivityClass>(ACTIVITY_CLASSES)) {
    expect(policy.name).toBe(key);
    const { startToClose, scheduleToClose, scheduleToStart, heartbeat, retry } = policy;
    for (const { because } of [
      startToClose,
      scheduleToClose,
      scheduleToStart,
      heartbeat,
      ...Object.values(retry),
    ]) {
      expect(because.length).toBeGreaterThan(10);
      expect(because.length).toBeLessThan(100);
    }
  }
});

test('work that may not be given up, and a long job, have to say so to the compiler', () => {
  const { startToClose: _, ...withoutStartToClose } = quickRead;
  // @ts-expect-error -- a class without startToClose
  expect(() => defineActivityClass({ ...withoutStartToClose })).toThrow('startToClose');
  // @ts-expect-error -- an attempt always has a bound
  expect(() => defineActivityClass({ ...quickRead, startToClose: none('it is quick') })).toThrow(
    'startToClose',
  );
  // @ts-expect-error -- billing with scheduleToStart
  expect(() => defineActivityClass({ ...billing, scheduleToStart: limit('1 min', 'why not') })).toThrow(
    'scheduleToStart',
  );
  // @ts-expect-error -- a delivery that an outage of the workers ends
  expect(() => defineActivityClass({ ...delivery, scheduleToClose: limit('70 min', 'why not') })).toThrow(
    'scheduleToClose',
  );
  const { heartbeat: __, ...withoutHeartbeat } = longJob;
  // @ts-expect-error -- a class that says nothing of heartbeats
  expect(() => defineActivityClass({ ...withoutHeartbeat })).toThrow('heartbeat');
});
