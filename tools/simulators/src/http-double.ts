import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Uint8Array;
}

/** What to answer. */
export interface WireAnswer {
  readonly status: number;
  readonly body: string;
  /** In place of `body`. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer in place of the service; `hang` gives none, `cut` closes the connection. */
export type Fault = WireAnswer | 'hang' | 'cut';

/** A service on this machine that answers as it is told. */
export interface HttpDouble {
  readonly address: string;
  /** Everything that was asked, in order. */
  readonly requests: WireRequest[];
  /** Answers the next requests, in order, in place of the service. */
  readonly faults: Fault[];
  /** What every request meets in place of the service, for as long as it is set. */
  outage: Fault | null;
  close(): Promise<void>;
}

/** Starts an HTTP server that hands each request to `answer`. */
export async function startHttpDouble(answer: (request: WireRequest) => WireAnswer): Promise<HttpDouble> {
  const requests: WireRequest[] = [];
  const faults: HttpDouble['faults'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const bytes = Buffer.concat(chunks);
      const wire = { method, url, headers, body: bytes.toString(), bytes };
      requests.push(wire);
      const fault = double.outage ?? faults.shift();
      if (fault === 'hang') return;
      if (fault === 'cut') {
        request.socket.destroy();
        return;
      }
      const { status, body, bytes: binary, headers: more } = fault ?? answer(wire);
      response.writeHead(status, more).end(binary ?? body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const double: HttpDouble = {
    outage: null,
    address: `http://127.0.0.1:${port}`,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return double;
}
