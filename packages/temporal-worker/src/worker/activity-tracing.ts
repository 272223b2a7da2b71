import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context as ActivityContext } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { contextOfHeaders } from '../client/trace-context.ts';

/** Draws one span per activity attempt, in the trace that its workflow was started with. */
export function activityTracing(activity: ActivityContext): ActivityInterceptors {
  const { activityType, attempt, workflowExecution, workflowType, taskQueue } = activity.info;
  return {
    inbound: {
      execute: (input, next) =>
        trace.getTracer('@heliograph/temporal-worker').startActiveSpan(
          activityType,
          {
            kind: SpanKind.CONSUMER,
            attributes: {
              'workflow.id': workflowExecution?.workflowId ?? '',
              'workflow.run_id': workflowExecution?.runId ?? '',
              'workflow.type': workflowType ?? '',
              'activity.attempt': attempt,
              'temporal.task_queue': taskQueue,
            },
          },
          contextOfHeaders(input.headers),
          async (span) => {
            try {
              return await context.with(trace.setSpan(context.active(), span), () => next(input));
            } catch (error) {
              span.setStatus({ code: SpanStatusCode.ERROR });
              throw error;
            } finally {
              span.end();
            }
          },
        ),
    },
  };
}
