import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

/**
 * A gRPC server in front of nothing: it answers each call with a status, and with an empty message if that is 0.
 *
 * @param answer the status of a call; `seen` counts the calls of its method, this one included
 */
export async function startGrpcServer(answer: (method: string, seen: number) => number) {
  const seen = new Map<string, number>();
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const method = String(headers[':path']).replace(/^.*\//, '');
    const count = (seen.get(method) ?? 0) + 1;
    seen.set(method, count);
    const status = answer(method, count);
    const head = { ':status': 200, 'content-type': 'application/grpc' };
    if (status !== 0) {
      stream.respond({ ...head, 'grpc-status': status }, { endStream: true });
      return;
    }
    stream.respond(head, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': 0 }));
    // The length of an empty message that is not compressed.
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens to TCP.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, close: () => server.close() };
}
