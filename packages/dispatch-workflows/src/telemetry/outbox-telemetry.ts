import { metrics } from '@opentelemetry/api';
import type { OutboxStatus } from '../ledger/ledger-outbox.ts';

/** Creates what records how the ledger's outbox stands. */
export function createOutboxTelemetry(): (status: OutboxStatus) => void {
  const meter = metrics.getMeter('@heliograph/dispatch-workflows');
  const rows = meter.createGauge('heliograph_dispatch_ledger_outbox_rows', {
    description: 'Rows of the ledger outbox, by state: waiting for ClickHouse, or refused by it.',
  });
  const age = meter.createGauge('heliograph_dispatch_ledger_outbox_age', {
    unit: 'ms',
    description: 'How long the oldest row of the ledger outbox has been waiting for ClickHouse.',
  });
  return ({ waiting, refused, oldestWaitingMs }) => {
    rows.record(waiting, { state: 'waiting' });
    rows.record(refused, { state: 'refused' });
    age.record(oldestWaitingMs);
  };
}
