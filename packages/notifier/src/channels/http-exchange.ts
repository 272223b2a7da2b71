import type { IncomingHttpHeaders } from 'node:http';
import type { OutcomeCode } from '../contract.ts';
import type { Connection } from './connection.ts';

/** One POST request on a connection. */
export interface ExchangeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The maximum duration of the whole exchange, in milliseconds. */
  readonly timeoutMs: number;
  /** The maximum duration of name lookup, TCP and TLS together, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** A longer response body is not read to its end, and its text is empty. */
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** What ended an exchange: the caller, the deadline, or the network. */
export type Interruption = Extract<OutcomeCode, 'ABORTED' | 'TIMEOUT' | 'CONNECTION_LOST'>;

/** A response. If its body was interrupted, `interruption` says by what, and `text` is empty. */
export interface Response {
  readonly kind: 'response';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly interruption: Interruption | null;
}

/** No response, and how far the request got. `sent`: its first byte was written, so it may have arrived. */
export interface NoResponse {
  readonly kind: 'no-response';
  readonly phase: 'unsent' | 'connecting' | 'sent';
  readonly interruption: Interruption;
  readonly error: unknown;
}

/**
 * Makes one request on a connection and reads the response. Never rejects. When it ends, so does everything that it
 * began: a connection that is not established by then is destroyed.
 */
export function exchange(connection: Connection, request: ExchangeRequest): Promise<Response | NoResponse> {
  // What is left of a deadline is rarely a whole number, and the signal takes nothing else.
  const deadline = AbortSignal.timeout(Math.max(0, Math.floor(request.timeoutMs)));
  const { signal } = request;
  const end = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const findInterruption = (): Interruption => {
    if (signal?.aborted === true) return 'ABORTED';
    return deadline.aborted ? 'TIMEOUT' : 'CONNECTION_LOST';
  };
  if (end.aborted) {
    const interruption = findInterruption();
    return Promise.resolve({ kind: 'no-response', phase: 'unsent', interruption, error: end.reason });
  }
  return new Promise((resolve) => {
    let isSent = false;
    let response: Pick<Response, 'status' | 'headers'> | null = null;
    let size = 0;
    const chunks: Buffer[] = [];
    let abort: (reason: Error) => void = () => undefined;

    const interrupt = (): void => {
      connection.cancelConnect();
      abort(new Error('the attempt is over'));
    };
    const connectTimer = setTimeout(() => connection.cancelConnect(), request.connectTimeoutMs);
    end.addEventListener('abort', interrupt);
    const finish = (result: Response | NoResponse): void => {
      clearTimeout(connectTimer);
      end.removeEventListener('abort', interrupt);
      resolve(result);
    };
    const finishBody = (interruption: Interruption | null, text: string): boolean => {
      if (response !== null) finish({ kind: 'response', ...response, text, interruption });
      return response !== null;
    };

    connection.client.dispatch(
      { method: 'POST', path: request.path, headers: { ...request.headers }, body: request.body },
      {
        // undici calls this on a connected socket, immediately before it writes the first byte of this request.
        onRequestStart(controller) {
          if (end.aborted) return controller.abort(new Error('the attempt is over'));
          isSent = true;
          abort = (reason) => controller.abort(reason);
        },
        onResponseStart(_, status, headers) {
          if (status >= 200) response = { status, headers };
        },
        onResponseData(controller, chunk) {
          size += chunk.length;
          if (size <= request.maxResponseBytes) return void chunks.push(chunk);
          // Closes the connection, so an endless body is never read.
          finishBody(null, '');
          controller.abort(new Error('the response is too long'));
        },
        onResponseEnd() {
          finishBody(null, Buffer.concat(chunks).toString('utf8'));
        },
        onResponseError(_, error) {
          const interruption = findInterruption();
          if (finishBody(interruption, '')) return;
          const phase = isSent ? 'sent' : connection.hasFailedToConnect ? 'connecting' : 'unsent';
          finish({ kind: 'no-response', phase, interruption, error });
        },
      },
    );
  });
}
