import { context, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { Headers } from '@temporalio/common';
import { withTraceHeader } from './trace-context.ts';

/**
 * How the trace of a workflow type begins: `child` of the caller's span (default), `root`: a trace of its own that
 * links to the caller's, or `none` for an endless workflow, whose activities then each begin their own trace.
 */
export type TraceStart = 'child' | 'root' | 'none';

/** The workflow types that do not continue the caller's trace. */
export type TraceStarts = Readonly<Record<string, TraceStart>>;

const TRACER = '@heliograph/temporal-worker';

/**
 * Draws a span around each start and signal and puts its context into the workflow's headers. Only ids travel;
 * inside the isolate nothing is drawn, so that replay stays deterministic.
 */
export function tracingInterceptor(starts: TraceStarts = {}): WorkflowClientInterceptor {
  const traced = <T>(
    workflowType: string,
    name: string,
    workflowId: string,
    headers: Headers,
    next: (headers: Headers) => Promise<T>,
  ): Promise<T> => {
    const start = Object.hasOwn(starts, workflowType) ? starts[workflowType] : 'child';
    if (start === 'none') return next(headers);
    const current = trace.getSpan(context.active());
    return inSpan(
      name,
      { 'workflow.type': workflowType, 'workflow.id': workflowId },
      {
        root: start === 'root',
        links: start === 'root' && current !== undefined ? [{ context: current.spanContext() }] : [],
      },
      (span) => next(withTraceHeader(headers, span)),
    );
  };
  return {
    start: (input, next) =>
      traced(
        input.workflowType,
        `start ${input.workflowType}`,
        input.options.workflowId,
        input.headers,
        (headers) => next({ ...input, headers }),
      ),
    signalWithStart: (input, next) =>
      traced(
        input.workflowType,
        `signal-with-start ${input.workflowType}`,
        input.options.workflowId,
        input.headers,
        (headers) => next({ ...input, headers }),
      ),
    signal: (input, next) =>
      inSpan(
        `signal ${input.signalName}`,
        { 'workflow.id': input.workflowExecution.workflowId ?? '' },
        { root: false, links: [] },
        (span) => next({ ...input, headers: withTraceHeader(input.headers, span) }),
      ),
  };
}

async function inSpan<T>(
  name: string,
  attributes: Attributes,
  options: { readonly root: boolean; readonly links: { context: ReturnType<Span['spanContext']> }[] },
  run: (span: Span) => Promise<T>,
): Promise<T> {
  return trace
    .getTracer(TRACER)
    .startActiveSpan(name, { kind: SpanKind.PRODUCER, attributes, ...options }, async (span) => {
      try {
        return await run(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
}
