import type { ScanResult, ScanState } from '../../contract/scan-state.ts';
import type { SweepResult } from '../../contract/sweep-result.ts';
import type { OrchestratorInput } from '../../contract/workflow-inputs.ts';
import type { WorkflowContext } from './execution.ts';

const SCAN = { startToCloseMs: 300_000, heartbeatMs: 5000, firstRetryMs: 200, maxRetryMs: 5000 };
const SWEEP = {
  startToCloseMs: 60_000,
  heartbeatMs: 10_000,
  firstRetryMs: 1000,
  maxRetryMs: 1000,
  maxAttempts: 1,
};
const SWEEP_AGAIN_MS = 60_000;
/** So few that a schedule reaches it. */
const MAX_ITERATIONS = 20;

/** The orchestrator's workflow, on the ports of the simulation. */
export async function runOrchestrator(context: WorkflowContext, input: OrchestratorInput): Promise<void> {
  let awake = false;
  context.onSignal(() => {
    awake = true;
  });
  let scan: ScanState | null = input.scan ?? null;
  let nextSweepAt = input.nextSweepAt ?? context.now() + SWEEP_AGAIN_MS;
  let sweeping = false;
  const sweep = async (): Promise<void> => {
    sweeping = true;
    let nextSweepInMs = SWEEP_AGAIN_MS;
    try {
      const position = scan?.cursor.position ?? null;
      ({ nextSweepInMs } = await context.remote<SweepResult>(SWEEP, 'sweepResolveDebt', position));
    } catch {
      // The next one finds what this one missed.
    }
    nextSweepAt = context.now() + nextSweepInMs;
    sweeping = false;
  };
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    awake = false;
    const result: ScanResult = await context.remote(SCAN, 'readAndDispatch', scan);
    ({ scan } = result);
    if (!sweeping && context.now() >= nextSweepAt) void sweep();
    if (result.nextScanInMs > 0) await context.condition(() => awake, result.nextScanInMs);
  }
  await context.continueAsNew({ ...(scan === null ? {} : { scan }), nextSweepAt });
}
