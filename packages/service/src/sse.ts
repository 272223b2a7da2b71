import type { RouteInput } from './route.ts';

/** One event: `id` is what a client sends back as Last-Event-ID. */
export interface SseEvent {
  readonly id?: string;
  /** The event's type; default `message`. */
  readonly event?: string;
  readonly data: string;
}

/** Where a subscription puts its events. */
export interface SseSink {
  /**
   * Queues an event; false once the stream has ended. A reader so slow that the buffer is full loses the
   * connection, never an event: it reconnects with Last-Event-ID and continues from there.
   */
  send(event: SseEvent): boolean;
  /** Ends the stream after what is queued. */
  close(): void;
}

/** Options of {@link sse}. */
export interface SseOptions {
  /**
   * Starts to send, first what followed `lastEventId` (null on a first visit), and returns a function that stops it.
   * A rejection ends the stream; the client reconnects.
   */
  readonly subscribe: (sink: SseSink, lastEventId: string | null) => (() => void) | Promise<() => void>;
  /** A comment is sent after this long without an event; default 15,000 ms. */
  readonly heartbeatMs?: number;
  /** How long clients should wait before they reconnect; default 2,000 ms. */
  readonly retryMs?: number;
  /** How many chunks may wait for a slow reader; default 256. */
  readonly bufferEvents?: number;
}

/**
 * Answers with a stream of server-sent events that ends when the caller goes away or the service drains.
 * Ids must be unique and ordered in the source, or a resumed stream has gaps.
 */
export function sse(
  input: Pick<RouteInput<unknown, unknown, unknown>, 'headers' | 'draining' | 'clock' | 'logger'>,
  options: SseOptions,
): Response {
  const { heartbeatMs = 15_000, retryMs = 2000, bufferEvents = 256 } = options;
  const ended = new AbortController();
  let stop: (() => void) | undefined;

  const finish = (): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    input.draining.removeEventListener('abort', finish);
    stop?.();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start: async (controller) => {
        const encoder = new TextEncoder();
        const close = (): void => {
          if (ended.signal.aborted) return;
          finish();
          controller.close();
        };
        const write = (chunk: string): boolean => {
          if (ended.signal.aborted) return false;
          if ((controller.desiredSize ?? 0) <= 0) {
            close();
            return false;
          }
          controller.enqueue(encoder.encode(chunk));
          return true;
        };
        if (input.draining.aborted) return close();
        input.draining.addEventListener('abort', close, { once: true });
        ended.signal.addEventListener('abort', () => input.draining.removeEventListener('abort', close), {
          once: true,
        });
        write(`retry: ${retryMs}\n\n`);
        let lastSentAt = input.clock.monotonicMs();
        const beat = async (): Promise<void> => {
          while (!ended.signal.aborted) {
            const quietMs = input.clock.monotonicMs() - lastSentAt;
            if (quietMs >= heartbeatMs) {
              // A full buffer needs no heartbeat: the connection is busy with a slow reader.
              if ((controller.desiredSize ?? 0) > 0) write(': still here\n\n');
              lastSentAt = input.clock.monotonicMs();
            }
            await input.clock.sleep(heartbeatMs - (input.clock.monotonicMs() - lastSentAt), ended.signal);
          }
        };
        void beat();
        try {
          const sink: SseSink = {
            send: (event) => {
              lastSentAt = input.clock.monotonicMs();
              return write(encodeSseEvent(event));
            },
            close,
          };
          stop = await options.subscribe(sink, input.headers.get('last-event-id'));
          // The stream may have ended while the subscription was being made.
          if (ended.signal.aborted) stop();
        } catch (error) {
          input.logger.error({ err: error }, 'an event stream could not be opened');
          close();
        }
      },
      cancel: finish,
    },
    { highWaterMark: bufferEvents },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

/**
 * Writes an event in the wire format.
 *
 * @throws RangeError when id or type holds a line break or NUL, which would forge another field.
 */
export function encodeSseEvent({ id, event, data }: SseEvent): string {
  for (const field of [id, event]) {
    if (field !== undefined && /[\r\n\0]/.test(field))
      throw new RangeError('an SSE id or event type holds a line break or NUL');
  }
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`;
}
