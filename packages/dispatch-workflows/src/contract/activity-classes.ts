import {
  ACTIVITY_CLASSES,
  type ClassUse,
  defineActivityClass,
  limit,
  none,
} from '@heliograph/temporal-worker/policies';
import type { DispatchActivities } from './dispatch-activities.ts';

const { localAttempt, delivery, record } = ACTIVITY_CLASSES;
const inTurn = 'the orchestrator calls one after another, and the next one finds what this one missed';
const noWorker = 'nothing is dispatched without workers, and everything waits in the tables for them';

/** Timeouts and retries of the activities of the Dispatch Center. */
export const DISPATCH_CLASSES = {
  /** A first attempt inside the workflow task. */
  quick: localAttempt,
  /**
   * Waits are short inside, so an attempt ends within minutes; what keeps failing ends with the notification's life. The
   * workflow makes another order of one that the server gave up, so nothing is lost with it.
   */
  patient: defineActivityClass({
    ...delivery,
    name: 'patientDelivery',
    use: 'deliver a notification to a provider, for as long as it is news',
    mayBeGivenUp: true,
    scheduleToClose: limit('70 min', 'the workflow orders it anew, and that looks up what became of it'),
    scheduleToStart: none('scheduleToClose of 70 min covers the wait for a worker'),
  }),
  store: defineActivityClass({
    ...record,
    name: 'streamState',
    use: 'read and record the state of an alert stream, and ask whether a delivery had begun',
    startToClose: limit('5 s', 'a statement takes milliseconds; what takes longer has lost its connection'),
    heartbeat: none('an attempt ends within 5 s'),
    retry: {
      ...record.retry,
      maximumInterval: limit('5 s', 'a stream waits for it with all its notifications'),
    },
  }),
  scan: defineActivityClass({
    name: 'scan',
    use: 'scan new issues and hand them to their alert streams',
    kind: 'regular',
    mayBeGivenUp: false,
    startToClose: limit('5 min', 'a scan of a full backlog takes 2 min'),
    scheduleToClose: none(noWorker),
    scheduleToStart: none(noWorker),
    heartbeat: limit('5 s', 'how long nothing is dispatched when a worker dies in the middle of a scan'),
    retry: {
      ...record.retry,
      maximumInterval: limit('5 s', 'nothing is dispatched until it works again'),
    },
  }),
  sweep: defineActivityClass({
    name: 'sweep',
    use: 'find resolve debt and resend the resolves, once a minute',
    kind: 'regular',
    mayBeGivenUp: true,
    startToClose: limit('1 min', 'the next one begins after a minute'),
    scheduleToClose: none('there is one attempt'),
    scheduleToStart: none(inTurn),
    heartbeat: limit('10 s', 'a worker that dies costs 10 s of the minute'),
    retry: {
      ...record.retry,
      initialInterval: limit('1 s', 'never used: there is one attempt'),
      maximumInterval: limit('100 s', 'never used: there is one attempt'),
      attempts: { value: 1, because: inTurn },
    },
  }),
} as const;

type Name = keyof DispatchActivities;
const use = (policy: ClassUse['policy'], ...activityTypes: readonly Name[]): ClassUse => ({
  policy,
  activityTypes,
});

/** Which activity is called by which class. */
export const DISPATCH_CLASS_USES: readonly ClassUse[] = [
  use(DISPATCH_CLASSES.quick, 'openStream', 'wasBegun', 'deliverAndRecord', 'recordStreamState'),
  use(DISPATCH_CLASSES.patient, 'deliverPatiently'),
  use(DISPATCH_CLASSES.store, 'readStreamState', 'wasBegun', 'recordStreamState'),
  use(DISPATCH_CLASSES.scan, 'readAndDispatch'),
  use(DISPATCH_CLASSES.sweep, 'sweepResolveDebt'),
];
