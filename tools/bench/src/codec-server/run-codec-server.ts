import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createCodec, parseKeyRing } from '@heliograph/codec/codecs';
import { connectPostgres } from '@heliograph/database';
import { describeProcesses, loadApp, type Stack } from '@heliograph/stack';
import { median, rounded } from '../statistics.ts';
import { startBareServer } from './bare-server.ts';
import { type LoadFigures, measureLoad } from './measure-load.ts';

/** The codec server and a bare one under the same load; medians over the rounds. */
export interface LoadReport {
  readonly connections: number;
  readonly server: LoadMedians;
  readonly bare: LoadMedians;
  /** Requests per second of the codec server ÷ those of the bare one. */
  readonly ratioToBare: number;
}

export interface LoadMedians {
  readonly requestsPerSecond: { readonly median: number; readonly min: number; readonly max: number };
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The figures of `bench codec-server`. */
export interface CodecServerReport {
  readonly name: 'codec-server';
  readonly loads: readonly LoadReport[];
  readonly requests: number;
  /** Answers other than 200. */
  readonly failures: number;
  /** Requests that were answered, and are not in the audit log. */
  readonly unaudited: number;
}

/** What a browser has to one host, and a few people at once. */
const CONNECTIONS = [6, 32];
const NAMESPACE = 'heliograph';

/**
 * Measures the pattern of the Temporal UI: many requests of one payload or two, encrypted ones among plain ones. The real
 * server identifies, authorizes, decrypts and audits to PostgreSQL; the bare one decrypts. They take turns (A-B-B-A).
 */
export async function runCodecServer({
  root,
  stack,
  quick,
}: {
  readonly root: string;
  readonly stack: Stack;
  readonly quick: boolean;
}): Promise<CodecServerReport> {
  const specs = await describeProcesses(await loadApp(root, 'codec-server'), stack, {
    env: { HELIOGRAPH_LOG_LEVEL: 'error', HELIOGRAPH_CODEC_REQUESTS_PER_MINUTE: '1000000' },
    processes: [{ role: 'api' }],
  });
  const processes = await stack.run(specs);
  const bareKey = randomBytes(32);
  const bare = await startBareServer(bareKey);
  try {
    const keys = parseKeyRing(readFileSync(stack.keyRingFile('dispatch'), 'utf8'));
    const codec = createCodec({ keys, namespace: NAMESPACE, domain: 'dispatch' });
    const targets = {
      server: {
        url: `${specs[0]?.url ?? ''}/${NAMESPACE}/decode?preserveStorageRefs=true`,
        headers: {
          authorization: `Bearer ${stack.secret('codec-server-developer-key')}`,
          'x-namespace': NAMESPACE,
        },
        bodies: await bodiesOf(
          async (data) => (await codec.encode([plain(data)]))[0]?.data ?? data,
          await metadataOf(codec),
        ),
      },
      bare: {
        url: `${bare.url}/decode`,
        headers: {},
        bodies: await bodiesOf(async (data) => sealBare(bareKey, data), {
          encoding: base64('binary/encrypted'),
        }),
      },
    };
    const durationMs = quick ? 1000 : 4000;
    const loads: LoadReport[] = [];
    const served: LoadFigures[] = [];
    for (const connections of CONNECTIONS) {
      const measure = async (target: keyof typeof targets): Promise<LoadFigures> => {
        const figures = await measureLoad({ ...targets[target], connections, durationMs });
        if (target === 'server') served.push(figures);
        return figures;
      };
      await measure('server');
      await measure('bare');
      const rounds: Record<keyof typeof targets, LoadFigures[]> = { server: [], bare: [] };
      for (let round = 0; round < (quick ? 1 : 3); round++)
        for (const target of ['bare', 'server', 'server', 'bare'] as const)
          rounds[target].push(await measure(target));
      const [server, other] = [mediansOf(rounds.server), mediansOf(rounds.bare)];
      const ratio = server.requestsPerSecond.median / other.requestsPerSecond.median;
      loads.push({ connections, server, bare: other, ratioToBare: rounded(ratio, 3) });
    }
    const requests = served.reduce((sum, figures) => sum + figures.requests, 0);
    return {
      name: 'codec-server',
      loads,
      requests,
      failures: served.reduce((sum, figures) => sum + figures.failures, 0),
      unaudited: requests - (await countAudited(stack)),
    };
  } finally {
    await bare.stop();
    await processes.stop();
  }
}

const SAMPLE = JSON.stringify({
  stream: { fingerprint: 'a'.repeat(32), route: 'r'.repeat(32), connectedApp: 'c'.repeat(32) },
  issue: {
    eventId: '01a21409ff077210adc6a42a33f2f4a4',
    position: 1_234_567,
    status: 'firing',
    storedAt: 1_764_000_000,
  },
  inbox: Array.from({ length: 6 }, (_, at) => ({ at, reason: 'renotification' })),
});

/** Bodies of one payload or two; every third payload is plain, as memos and search attributes are. */
async function bodiesOf(
  seal: (data: Uint8Array) => Promise<Uint8Array>,
  metadata: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const payload = async (at: number) =>
    at % 3 === 2
      ? { metadata: { encoding: base64('json/plain') }, data: base64('"a value"') }
      : { metadata, data: Buffer.from(await seal(Buffer.from(SAMPLE))).toString('base64') };
  return Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const payloads = await Promise.all(
        Array.from({ length: 1 + (at % 2) }, (_each, more) => payload(at + more)),
      );
      return JSON.stringify({ payloads });
    }),
  );
}

async function metadataOf(codec: ReturnType<typeof createCodec>): Promise<Readonly<Record<string, string>>> {
  const [envelope] = await codec.encode([plain(Buffer.from('1'))]);
  return Object.fromEntries(
    Object.entries(envelope?.metadata ?? {}).map(([name, value]) => [
      name,
      Buffer.from(value).toString('base64'),
    ]),
  );
}

function plain(data: Uint8Array) {
  return { metadata: { encoding: Buffer.from('json/plain') }, data };
}

function sealBare(key: Uint8Array, data: Uint8Array): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce).setAAD(Buffer.from('bare'));
  return Buffer.concat([nonce, cipher.update(data), cipher.final(), cipher.getAuthTag()]);
}

function mediansOf(figures: readonly LoadFigures[]): LoadMedians {
  const rates = figures.map(({ requestsPerSecond }) => requestsPerSecond);
  return {
    requestsPerSecond: {
      median: rounded(median(rates), 0),
      min: Math.min(...rates),
      max: Math.max(...rates),
    },
    p50Ms: rounded(median(figures.map(({ p50Ms }) => p50Ms)), 2),
    p99Ms: rounded(median(figures.map(({ p99Ms }) => p99Ms)), 2),
  };
}

async function countAudited(stack: Stack): Promise<number> {
  const postgres = connectPostgres({
    url: stack.env['HELIOGRAPH_POSTGRES_URL'] ?? '',
    applicationName: 'bench',
  });
  try {
    const rows = await postgres.sql<{ count: number }[]>`
      select count(distinct request_id)::int as count from codec_audit.entries`;
    return rows[0]?.count ?? 0;
  } finally {
    await postgres.close(1000);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
