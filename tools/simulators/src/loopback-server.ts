import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request whose body is complete. */
export interface CompleteRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly rawBody: string;
}

/** A server on loopback. */
export interface LoopbackServer {
  readonly port: number;
  /** Stops, cutting connections. */
  close(): Promise<void>;
}

/** Starts a server on loopback, on any free port unless one is given, that hands over requests once they are complete. */
export async function startLoopbackServer(
  port: number | undefined,
  handle: (complete: CompleteRequest) => void,
): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle({ request, response, rawBody: Buffer.concat(chunks).toString('utf8') }));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
