import type { IssueSignal } from '../../contract/issue-signal.ts';
import type { AlertInput } from '../../contract/workflow-inputs.ts';
import { runAlertStream, type RunPorts } from '../../stream/run-alert-stream.ts';
import { Cancellation, type WorkflowContext } from './execution.ts';

const PATIENT = {
  startToCloseMs: 300_000,
  scheduleToCloseMs: 4_200_000,
  heartbeatMs: 15_000,
  firstRetryMs: 500,
  maxRetryMs: 10_000,
};
const STORE = { startToCloseMs: 5000, firstRetryMs: 200, maxRetryMs: 5000 };
/** So few that a schedule reaches it. */
const MAX_SIGNALS_PER_RUN = 4;
const MAX_CARRIED_SIGNALS = 2;

/** The workflow of one alert stream: the real run, on the ports of the simulation. */
export async function runAlert(context: WorkflowContext, input: AlertInput): Promise<void> {
  const ports: RunPorts = {
    now: () => context.now(),
    onSignal: (take) => context.onSignal((_, payload) => take(payload as IssueSignal)),
    quick: {
      openStream: (...args) => context.local('openStream', ...args),
      wasBegun: (...args) => context.local('wasBegun', ...args),
      deliverAndRecord: (...args) => context.local('deliverAndRecord', ...args),
      recordStreamState: (...args) => context.local('recordStreamState', ...args),
    },
    store: {
      readStreamState: (...args) => context.remote(STORE, 'readStreamState', ...args),
      wasBegun: (...args) => context.remote(STORE, 'wasBegun', ...args),
      recordStreamState: (...args) => context.remote(STORE, 'recordStreamState', ...args),
    },
    startDelivery: (order) => context.startRemote(PATIENT, 'deliverPatiently', order),
    startTimer: (ms) => context.startTimer(ms),
    isCancellation: (error) => error instanceof Cancellation,
    hasPatch: () => true,
    isLong: () => false,
    continueAsNew: (next) => context.continueAsNew(next),
    maxSignals: MAX_SIGNALS_PER_RUN,
    maxCarriedSignals: MAX_CARRIED_SIGNALS,
  };
  await runAlertStream(input, ports);
}
