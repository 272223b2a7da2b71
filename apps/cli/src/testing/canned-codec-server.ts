import { createCodec, createKeyRing, parseDomainKeys } from '@heliograph/codec/codecs';
import { type LoopbackRequest, startLoopbackServer } from '@heliograph/simulators';

/** What a codec server was asked with. */
export interface AskedCodec {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly namespace: string | undefined;
}

interface PayloadJson {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The `/decode` of a codec server with the keys of a key file, on loopback. */
export async function cannedCodecServer(keyFile: string, namespace: string) {
  const keys = createKeyRing(parseDomainKeys(keyFile));
  const codec = createCodec({ keys, namespace, domain: keys.domains[0] ?? '', isDecodeOnly: true });
  let last: AskedCodec | null = null;
  let isRefusing = false;
  const answerTo = async (request: LoopbackRequest): Promise<readonly [number, unknown]> => {
    const { pathname } = new URL(request.path, 'http://localhost');
    const { authorization, 'x-namespace': asked } = request.headers;
    last = { path: pathname, authorization, namespace: Array.isArray(asked) ? asked[0] : asked };
    if (isRefusing) return [403, { code: 'ACCESS_DENIED', detail: 'not yours' }];
    const { payloads }: { readonly payloads: readonly PayloadJson[] } = JSON.parse(request.body);
    const decoded = await codec.decode(
      payloads.map(({ metadata, data }) => ({
        metadata: Object.fromEntries(
          Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
        ),
        data: Buffer.from(data, 'base64'),
      })),
    );
    const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64');
    return [
      200,
      {
        payloads: decoded.map(({ metadata, data }) => ({
          metadata: Object.fromEntries(
            Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]),
          ),
          data: base64(data),
        })),
      },
    ];
  };
  const server = await startLoopbackServer((response, request) => {
    void answerTo(request).then(([status, body]) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });
  return {
    url: server.url,
    seen: () => last,
    /** From now on, nobody has a right to anything. */
    refuse() {
      isRefusing = true;
    },
    close: () => server.close(),
  };
}
