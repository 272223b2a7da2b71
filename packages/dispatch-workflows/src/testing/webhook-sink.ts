import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as v from 'valibot';

const bodySchema = v.object({
  type: v.string(),
  streamId: v.string(),
  issue: v.object({ eventId: v.string(), status: v.string() }),
});

/** A notification as a receiver saw it. */
export interface Received {
  readonly id: string;
  readonly type: string;
  readonly streamId: string;
  readonly eventId: string;
  readonly status: string;
}

/** A webhook receiver inside a test. */
export interface WebhookSink {
  readonly url: string;
  readonly received: readonly Received[];
  /** Answers of the next requests, in order; afterwards 200. */
  readonly script: ((request: IncomingMessage, response: ServerResponse) => void)[];
  close(): Promise<void>;
}

/** Starts a receiver on a free port of loopback. */
export async function startWebhookSink(): Promise<WebhookSink> {
  const received: Received[] = [];
  const script: WebhookSink['script'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = v.parse(bodySchema, JSON.parse(Buffer.concat(chunks).toString('utf8')));
      received.push({
        id: String(request.headers['webhook-id']),
        type: body.type,
        streamId: body.streamId,
        eventId: body.issue.eventId,
        status: body.issue.status,
      });
      const answer = script.shift();
      if (answer === undefined)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"externalId":"ext-1"}');
      else answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    script,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
