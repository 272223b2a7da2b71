import { type Attributes, context, metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Outcome } from '@heliograph/notifier';
import { alertWorkflowId } from '../contract/alert-workflow-id.ts';
import type {
  DeliveryOrder,
  DeliveryResult,
  FirstSignal,
  OpenedStream,
  StreamRecord,
} from '../contract/delivery-order.ts';
import type { DropCode } from '../contract/reasons.ts';
import type { ScanResult } from '../contract/scan-state.ts';
import type { SweepResult } from '../contract/sweep-result.ts';
import type { SilentRun, StreamKey } from '../contract/stream-state.ts';
import type { ScanSteps } from '../scan/read-and-dispatch.ts';

/**
 * Metrics and spans of dispatching. The spans `scan`, `match`, `dispatch`, `decide`, `deliver` and
 * `record_dropped_signals` carry the same attributes, so that one search finds an alert's whole way.
 */
export function createDispatchTelemetry() {
  const tracer = trace.getTracer('@heliograph/dispatch-workflows');
  const meter = metrics.getMeter('@heliograph/dispatch-workflows');
  const attempts = meter.createHistogram('heliograph_dispatch_delivery_attempt_duration', {
    unit: 'ms',
    description: 'Time that one delivery attempt took, by provider and outcome.',
  });
  const notificationAge = meter.createHistogram('heliograph_dispatch_notification_age', {
    unit: 'ms',
    description: 'From the storing of an issue to the acceptance of its notification.',
  });
  const scannedRows = meter.createCounter('heliograph_dispatch_scanned_rows', {
    description: 'Rows read for the first time.',
  });
  const signals = meter.createCounter('heliograph_dispatch_signals', {
    description: 'Signals sent, by result.',
  });
  const drops = meter.createCounter('heliograph_dispatch_dropped_notifications', {
    description: 'Decided notifications that were given up, by code.',
  });
  const silences = meter.createCounter('heliograph_dispatch_silent_decisions', {
    description: 'Signals that led to no notification, by reason.',
  });
  const owed = meter.createGauge('heliograph_dispatch_resolve_debt', {
    description: 'Streams with something open outside that is over, at the last sweep.',
  });

  const spanned = <T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> => {
    const span = tracer.startSpan(name, { attributes });
    return context.with(trace.setSpan(context.active(), span), async () => {
      try {
        return await run(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  };
  /** Silent decisions were taken in the workflow, whose spans are drawn here, where they are written down. */
  const silent = (stream: StreamKey, runs: readonly SilentRun[]): void => {
    for (const { reason, first, last, count } of runs) {
      silences.add(count, { reason });
      tracer
        .startSpan('decide', {
          startTime: first.at,
          attributes: {
            ...attributesOf(stream),
            'decision.reason': reason,
            'decision.notify': false,
            'decision.count': count,
          },
        })
        .end(last.at);
    }
  };
  const deciding = (order: Pick<DeliveryOrder, 'stream' | 'reason' | 'kind' | 'decidedAt'>): void => {
    tracer
      .startSpan('decide', {
        startTime: order.decidedAt,
        attributes: {
          ...attributesOf(order.stream),
          'decision.reason': order.reason,
          'decision.notify': true,
          'notification.kind': order.kind,
        },
      })
      .end(order.decidedAt);
  };

  return {
    scanSteps: {
      scan: (run) =>
        spanned('scan', {}, async (span) => {
          const result = await run();
          span.setAttribute('scan.rows', result.rows.length);
          return result;
        }),
      match: (run) => {
        const span = tracer.startSpan('match');
        try {
          const grouping = run();
          span.setAttributes({ 'match.rows': grouping.taken, 'match.matches': grouping.matches.length });
          return grouping;
        } finally {
          span.end();
        }
      },
      dispatch: (groups, run) => spanned('dispatch', { 'dispatch.streams': groups.length }, run),
    } satisfies ScanSteps,
    scanned({ scanned, dispatched, failed }: ScanResult): void {
      scannedRows.add(scanned);
      signals.add(dispatched, { result: 'sent' });
      if (failed > 0) signals.add(failed, { result: 'failed' });
    },
    swept(result: SweepResult): void {
      owed.record(result.owed);
    },
    opening(
      stream: StreamKey,
      first: FirstSignal | null,
      run: () => Promise<OpenedStream>,
    ): Promise<OpenedStream> {
      if (first === null) return run();
      return spanned('deliver', attributesOf(stream), async (span) => {
        const opened = await run();
        const { decision } = opened;
        if (decision?.notify === true) deciding({ stream, decidedAt: first.now, ...decision });
        // A silent decision has its span where the workflow records it.
        else span.updateName('read_stream_state');
        return opened;
      });
    },
    delivering(order: DeliveryOrder, run: () => Promise<DeliveryResult>): Promise<DeliveryResult> {
      return spanned(
        'deliver',
        { ...attributesOf(order.stream), 'notification.id': order.notificationId },
        () => {
          silent(order.stream, order.unwritten?.silent ?? []);
          // A patient delivery is told how long to wait, and was decided before.
          if (order.waitMs === undefined) deciding(order);
          return run();
        },
      );
    },
    recording(
      stream: StreamKey,
      { silent: runs = [] }: StreamRecord,
      run: () => Promise<void>,
    ): Promise<void> {
      if (runs.length === 0) return run();
      const reasons = [...new Set(runs.map(({ reason }) => reason))];
      const count = runs.reduce((sum, each) => sum + each.count, 0);
      const attributes = { 'dropped.reasons': reasons, 'dropped.count': count };
      return spanned('record_dropped_signals', { ...attributesOf(stream), ...attributes }, () => {
        silent(stream, runs);
        return run();
      });
    },
    delivered({
      order,
      provider,
      outcome,
      durationMs,
    }: {
      readonly order: DeliveryOrder;
      readonly provider: string;
      readonly outcome: Outcome;
      readonly durationMs: number;
    }): void {
      attempts.record(durationMs, { provider, outcome: outcome.kind });
      if (outcome.kind === 'delivered')
        notificationAge.record(Date.now() - order.issue.storedAt, { provider });
      trace.getActiveSpan()?.setAttributes({
        'notification.provider': provider,
        'notification.outcome': outcome.kind,
        'notification.duration_ms': durationMs,
      });
    },
    dropped({ order, code }: { readonly order: DeliveryOrder; readonly code: DropCode }): void {
      drops.add(1, { code });
      trace.getActiveSpan()?.addEvent('dropped', { code, 'notification.id': order.notificationId });
    },
  };
}

function attributesOf(stream: StreamKey): Attributes {
  return {
    'issue.fingerprint': stream.fingerprint,
    'route.id': stream.routeId,
    'connected_app.id': stream.connectedAppId,
    'workflow.id': alertWorkflowId(stream),
  };
}
