import type { AlertInput, AlertResult } from '../contract/workflow-inputs.ts';
import { runAlertStream } from '../stream/run-alert-stream.ts';
import { alertPorts } from '../workflows/monitor-instance-alert.ts';

/** The workflow as it was before any later behaviour: what is running somewhere when today's code is deployed. */
export function monitorInstanceAlert(input: AlertInput): Promise<AlertResult> {
  return runAlertStream(
    input,
    alertPorts(() => false),
  );
}
