import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from './fault-script.ts';

/** Answers as a fault says, or with `accept` where there is none; `accept` runs later where the fault is to be slow. */
export function playFault(
  fault: Fault | null,
  request: IncomingMessage,
  response: ServerResponse,
  accept: () => void,
): void {
  switch (fault?.kind) {
    case undefined:
      return accept();
    case 'status': {
      const headers =
        fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
      response.writeHead(fault.status, headers).end(fault.body);
      return;
    }
    case 'slow':
      setTimeout(accept, fault.delayMs).unref();
      return;
    case 'close-after-body':
      request.socket.destroy();
      return;
    case 'hang':
      return;
  }
}
