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
import type { BacklogSummary } from '../scan/backlog-store.ts';
import type { ScanSteps } from '../scan/read-and-dispatch.ts';

/**
 * Metrics and spans of dispatching. The spans `scan`, `match`, `dispatch`, `decide`, `deliver` and
 * `record_dropped_signals` carry the same attributes, so that one search finds the whole path of an alert.
 */
export function createDispatchTelemetry() {
  const tracer = trace.getTracer('@heliograph/dispatch-workflows');
  const meter = metrics.getMeter('@heliograph/dispatch-workflows');
  const attempts = meter.createHistogram('heliograph_dispatch_delivery_attempt_duration', {
    unit: 'ms',
    description: 'Duration of delivery attempts, by provider and outcome.',
  });
  const notificationAge = meter.createHistogram('heliograph_dispatch_notification_age', {
    unit: 'ms',
    description: 'Time from storing an issue to the provider accepting its notification.',
  });
  const scannedRows = meter.createCounter('heliograph_dispatch_scanned_rows', {
    description: 'Rows read for the first time.',
  });
  const signals = meter.createCounter('heliograph_dispatch_signals', {
    description: 'Signals sent, by result.',
  });
  const drops = meter.createCounter('heliograph_dispatch_dropped_notifications', {
    description: 'Dropped notifications, by drop code.',
  });
  const silences = meter.createCounter('heliograph_dispatch_silent_decisions', {
    description: 'Signals that led to no notification, by reason.',
  });
  const tooComplex = meter.createCounter('heliograph_dispatch_too_complex_matches', {
    description: 'Issues that a route did not match because its query would have taken too many steps.',
  });
  const backlogStreams = meter.createGauge('heliograph_dispatch_backlog_streams', {
    description: 'Alert streams that wait in the backlog, by reason.',
  });
  const backlogAge = meter.createGauge('heliograph_dispatch_backlog_age', {
    unit: 'ms',
    description: 'How long the oldest alert stream in the backlog has waited.',
  });
  const owed = meter.createGauge('heliograph_dispatch_resolve_debt', {
    description: 'Alert streams that owed a resolve at the last sweep.',
  });

  const unseen = meter.createCounter('heliograph_dispatch_unseen_rows', {
    description: 'Stored issues that no scan saw, found and dispatched by the sweep.',
  });

  const withSpan = <T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> => {
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
  /** Silent decisions are made in the workflow; their spans are drawn here, where they are recorded. */
  const drawSilentDecisions = (stream: StreamKey, runs: readonly SilentRun[]): void => {
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
  const drawDecision = (order: Pick<DeliveryOrder, 'stream' | 'reason' | 'kind' | 'decidedAt'>): void => {
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
        withSpan('scan', {}, async (span) => {
          const result = await run();
          span.setAttribute('scan.rows', result.rows.length);
          return result;
        }),
      match: (run) =>
        withSpan('match', {}, async (span) => {
          const grouping = await run();
          span.setAttributes({ 'match.rows': grouping.taken, 'match.matches': grouping.matches.length });
          return grouping;
        }),
      dispatch: (groups, run) => withSpan('dispatch', { 'dispatch.streams': groups.length }, run),
    } satisfies ScanSteps,
    recordScan({ scanned, dispatched, failed, parked = 0 }: ScanResult): void {
      scannedRows.add(scanned);
      signals.add(dispatched, { result: 'sent' });
      if (parked > 0) signals.add(parked, { result: 'parked' });
      if (failed > 0) signals.add(failed, { result: 'failed' });
    },
    /** Counts every match that was given up, and reports each route at most once a minute. */
    onTooComplex(report: (routeId: string) => void): (problem: { readonly routeId: string }) => void {
      const reportedAt = new Map<string, number>();
      return ({ routeId }) => {
        tooComplex.add(1);
        const now = Date.now();
        if (now - (reportedAt.get(routeId) ?? 0) < REPORT_EVERY_MS) return;
        reportedAt.set(routeId, now);
        report(routeId);
      };
    },
    recordBacklog({ streams, oldestAgeMs }: BacklogSummary): void {
      for (const [reason, count] of Object.entries(streams)) backlogStreams.record(count, { reason });
      backlogAge.record(oldestAgeMs);
    },
    recordSweep(result: SweepResult): void {
      owed.record(result.owed);
      unseen.add(result.unseen ?? 0);
    },
    traceOpenStream(
      stream: StreamKey,
      first: FirstSignal | null,
      run: () => Promise<OpenedStream>,
    ): Promise<OpenedStream> {
      if (first === null) return run();
      return withSpan('deliver', attributesOf(stream), async (span) => {
        const opened = await run();
        const { decision } = opened;
        if (decision?.notify === true) drawDecision({ stream, decidedAt: first.now, ...decision });
        // A silent decision has its span where the workflow records it.
        else span.updateName('read_stream_state');
        return opened;
      });
    },
    traceDelivery(order: DeliveryOrder, run: () => Promise<DeliveryResult>): Promise<DeliveryResult> {
      return withSpan(
        'deliver',
        { ...attributesOf(order.stream), 'notification.id': order.notificationId },
        () => {
          drawSilentDecisions(order.stream, order.unwritten?.silent ?? []);
          // The order of a patient delivery has a wait; its decision was drawn before.
          if (order.waitMs === undefined) drawDecision(order);
          return run();
        },
      );
    },
    traceRecord(
      stream: StreamKey,
      { silent: runs = [] }: StreamRecord,
      run: () => Promise<void>,
    ): Promise<void> {
      if (runs.length === 0) return run();
      const reasons = [...new Set(runs.map(({ reason }) => reason))];
      const count = runs.reduce((sum, each) => sum + each.count, 0);
      const attributes = { 'dropped.reasons': reasons, 'dropped.count': count };
      return withSpan('record_dropped_signals', { ...attributesOf(stream), ...attributes }, () => {
        drawSilentDecisions(stream, runs);
        return run();
      });
    },
    recordOutcome({
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
    recordDrop({ order, code }: { readonly order: DeliveryOrder; readonly code: DropCode }): void {
      drops.add(1, { code });
      trace.getActiveSpan()?.addEvent('dropped', { code, 'notification.id': order.notificationId });
    },
  };
}

/** How often one problem is reported, in milliseconds. */
const REPORT_EVERY_MS = 60_000;

function attributesOf(stream: StreamKey): Attributes {
  return {
    'issue.fingerprint': stream.fingerprint,
    'route.id': stream.routeId,
    'connected_app.id': stream.connectedAppId,
    'workflow.id': alertWorkflowId(stream),
  };
}
