import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SagaProgress, SagaState } from '../index.ts';
import { defineSaga, defineStep } from '../index.ts';
import { runSaga } from '../workflows/index.ts';

/** A journey, and how its saga runs. */
export interface TripInput {
  readonly to: string;
  /** Continues as new between compensations. */
  readonly handsOver?: boolean;
}

/** What a trip calls. */
export interface TripActivities {
  bookFlight(to: string, key: string): Promise<string>;
  cancelFlight(key: string): Promise<void>;
  bookHotel(to: string, key: string): Promise<string>;
  cancelHotel(key: string): Promise<void>;
  pay(to: string, key: string): Promise<string>;
  refund(key: string): Promise<void>;
  sendTickets(booking: string, key: string): Promise<string>;
  pageOnCall(progress: SagaProgress): Promise<void>;
}

const forward = proxyActivities<TripActivities>({
  startToCloseTimeout: '10 seconds',
  heartbeatTimeout: '5 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 3, initialInterval: '50 milliseconds' },
});
const back = proxyActivities<TripActivities>({
  startToCloseTimeout: '10 seconds',
  retry: { maximumInterval: '1 minute' },
});

const flight = defineStep({
  name: 'flight',
  run: (to: string, { key }) => forward.bookFlight(to, key),
  compensation: ({ key }) => back.cancelFlight(key),
});
const hotel = defineStep({
  name: 'hotel',
  isInterruptible: true,
  run: (to: string, { key }) => forward.bookHotel(to, key),
  compensation: ({ key }) => back.cancelHotel(key),
});
const payment = defineStep({
  name: 'payment',
  run: (to: string, { key }) => forward.pay(to, key),
  compensation: ({ key }) => back.refund(key),
});
const tickets = defineStep({
  name: 'tickets',
  isPivot: true,
  run: (booking: string, { key }) => back.sendTickets(booking, key),
  compensation: 'none, because tickets that were sent cannot be called back',
});
const saga = defineSaga({ name: 'trip', steps: [flight, hotel, payment, tickets] });

/** Books a trip as a saga: flight, hotel, payment, and the tickets as its pivot. */
export async function trip(input: TripInput, state?: SagaState): Promise<string> {
  const history = workflowInfo().historyLength;
  return runSaga(
    {
      saga,
      resume: state,
      deadlineMs: 3_600_000,
      alert: { afterMs: 600_000, notify: (progress) => back.pageOnCall(progress) },
      handOver: {
        continueAs: (next) => continueAsNew<typeof trip>(input, next),
        isDue: () => input.handsOver === true && workflowInfo().historyLength > history,
      },
    },
    async (run) => {
      const bookings = [
        await run.run(flight, input.to),
        await run.run(hotel, input.to),
        await run.run(payment, input.to),
      ];
      return run.run(tickets, bookings.join(', '));
    },
  );
}
