import { defineActivityClass, type RetryRules } from './activity-class.ts';
import { NON_RETRYABLE_TYPES } from './error-table.ts';
import { limit, none, type Reasoned } from './limit.ts';

const doubled: RetryRules['coefficient'] = {
  value: 2,
  because: 'a trouble that lasts is left alone, one that is over is noticed soon',
};
const untilTimeout: RetryRules['attempts'] = {
  value: null,
  because: 'time is what counts, not how often it was tried: scheduleToClose ends the attempts',
};
const untilDone: RetryRules['attempts'] = {
  value: null,
  because: 'giving up would leave the work undone with nobody to do it',
};
const byTable: Reasoned<readonly string[]> = {
  value: NON_RETRYABLE_TYPES,
  because: 'they are answers, which a repeat does not change: the table of errors',
};

/** Timeouts and retries of activities by what they are for. A package adds its own with `defineActivityClass`. */
export const ACTIVITY_CLASSES = {
  /** Reads a database or a cache that answers within milliseconds, while somebody waits. */
  quickRead: defineActivityClass({
    name: 'quickRead',
    use: 'read a database or a cache while somebody waits for the answer',
    kind: 'regular',
    mayBeGivenUp: true,
    startToClose: limit('5 s', 'such a read takes milliseconds; after 5 s the connection is dead'),
    scheduleToClose: limit('1 min', 'nobody waits longer; the caller gets an error that it can show'),
    scheduleToStart: limit('30 s', 'a read that nobody took is worthless, and losing it loses no work'),
    heartbeat: none('an attempt ends within 5 s'),
    retry: {
      initialInterval: limit('200 ms', 'a failover or a cut connection is over soon'),
      coefficient: doubled,
      maximumInterval: limit('5 s', 'somebody waits'),
      attempts: untilTimeout,
      nonRetryable: byTable,
    },
  }),
  /** Persists the workflow's own state; repeated, it writes the same. */
  record: defineActivityClass({
    name: 'record',
    use: 'persist state of the workflow in our own database; a repeat writes the same',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit('10 s', 'a statement has a timeout of 5 s, and a connection may have to be opened'),
    scheduleToClose: none('what happened has to be recorded, however long the database is away'),
    scheduleToStart: none('it is not retried: an outage of the workers would lose the record'),
    heartbeat: none('an attempt ends within 10 s'),
    retry: {
      initialInterval: limit('200 ms', 'a failover or a cut connection is over soon'),
      coefficient: doubled,
      maximumInterval: limit('10 s', 'a database that is back is used within 10 s, and not stormed'),
      attempts: untilDone,
      nonRetryable: byTable,
    },
  }),
  /** One quick try inside the workflow task, with a regular activity behind it for what does not end there. */
  localAttempt: defineActivityClass({
    name: 'localAttempt',
    use: 'one quick try inside the workflow task; a regular activity takes over what does not end there',
    kind: 'local',
    mayBeGivenUp: true,
    startToClose: limit('3 s', 'it has to end well before the workflow task, which has 10 s'),
    scheduleToClose: limit('4 s', 'with the wait for a local slot, still well before the workflow task'),
    scheduleToStart: none('scheduleToClose of 4 s covers the wait for a slot of the same worker'),
    heartbeat: none('a local activity cannot send one'),
    retry: {
      initialInterval: limit('200 ms', 'never used: there is one attempt'),
      coefficient: { value: 1, because: 'never used: there is one attempt' },
      maximumInterval: limit('200 ms', 'never used: there is one attempt'),
      attempts: {
        value: 1,
        because: 'a retry here would hold the workflow task; the regular activity retries',
      },
      nonRetryable: byTable,
    },
  }),
  /** Asks another service for something that moves no money. */
  externalCall: defineActivityClass({
    name: 'externalCall',
    use: 'ask a service of somebody else for something that moves no money',
    kind: 'regular',
    mayBeGivenUp: true,
    startToClose: limit('1 min', 'slow providers answer within 30 s; their own balancers give up after 60 s'),
    scheduleToClose: limit(
      '30 min',
      'an outage is over by then; what is lost is an answer, not work of ours',
    ),
    scheduleToStart: none('scheduleToClose of 30 min covers the wait for a worker'),
    heartbeat: none('an attempt ends within 1 min'),
    retry: {
      initialInterval: limit('1 s', 'less would add to the load of a service that is in trouble'),
      coefficient: doubled,
      maximumInterval: limit('1 min', 'after an outage the work goes on within 1 min'),
      attempts: untilTimeout,
      nonRetryable: byTable,
    },
  }),
  /** Delivers something that a person waits for, as long as it is news. */
  delivery: defineActivityClass({
    name: 'delivery',
    use: 'deliver a notification to a provider; the activity ends it when it is no news any more',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit('5 min', 'an attempt may wait up to 4 min for a permit of a throttled provider'),
    scheduleToClose: none('it would lose one in an outage of the workers; the activity ends what is no news'),
    scheduleToStart: none('it is not retried: an outage of the workers would lose the notification'),
    heartbeat: limit('15 s', 'a worker that dies costs 15 s, not 5 min'),
    retry: {
      initialInterval: limit('500 ms', 'most failures are a cut connection'),
      coefficient: doubled,
      maximumInterval: limit('10 s', 'a person waits for it; the provider has a gate of its own'),
      attempts: untilDone,
      nonRetryable: byTable,
    },
  }),
  /** Charges, refunds, captures: what moves money, always with an idempotency key. */
  billing: defineActivityClass({
    name: 'billing',
    use: 'charge, capture or refund at a payment provider, with an idempotency key',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit(
      '5 min',
      'the gateway takes 2 min at peak; a shorter attempt repeats a running charge',
    ),
    scheduleToClose: none(
      'given up, a charge may still happen; a saga waits for it, and alerts if that takes long',
    ),
    scheduleToStart: none('it is not retried: an outage of the workers would lose the payment'),
    heartbeat: none(
      'it would start a second attempt within seconds, while the gateway still works on the first',
    ),
    retry: {
      initialInterval: limit('5 s', 'the first request may still be running when its connection was cut'),
      coefficient: doubled,
      maximumInterval: limit('5 min', 'a gateway at peak load is not helped by more requests'),
      attempts: untilDone,
      nonRetryable: byTable,
    },
  }),
  /** Undoes a step. */
  compensation: defineActivityClass({
    name: 'compensation',
    use: 'undo a step of a saga; undoing nothing, or twice, succeeds',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit('5 min', 'undoing a payment takes as long as making it'),
    scheduleToClose: none('a step that is not undone is a loss; an alert after minutes calls a person'),
    scheduleToStart: none('it is not retried: an outage of the workers would leave the step in effect'),
    heartbeat: none('it would start a second attempt while the provider still works on the first'),
    retry: {
      initialInterval: limit('1 s', 'most failures are a cut connection'),
      coefficient: doubled,
      maximumInterval: limit('5 min', 'it may go on for days, and should not wear out the provider'),
      attempts: untilDone,
      nonRetryable: byTable,
    },
  }),
  /** Works for minutes or hours, with heartbeats and checkpoints. */
  longJob: defineActivityClass({
    name: 'longJob',
    use: 'work for minutes or hours, with heartbeats and checkpoints',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit('12 h', 'the longest job takes 6 h; heartbeats notice a dead worker long before'),
    scheduleToClose: none('no time without workers ends a job; one that hangs ends its own attempt'),
    scheduleToStart: none('a queue without workers is an alert on its backlog, not a failure of its work'),
    heartbeat: limit('30 s', 'a worker that dies costs 30 s; an attempt sends one every 5 s at least'),
    retry: {
      initialInterval: limit('1 s', 'the next attempt resumes at the checkpoint, so it is cheap'),
      coefficient: doubled,
      maximumInterval: limit('1 min', 'what a job waits for is back within minutes, or hours'),
      attempts: untilDone,
      nonRetryable: byTable,
    },
  }),
} as const;
