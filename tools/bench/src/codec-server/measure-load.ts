import { Agent, request } from 'node:http';
import { percentile, rounded } from '../statistics.ts';

/** Requests of one kind, sent again and again. */
export interface Load {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bodies in turns. */
  readonly bodies: readonly string[];
  /** Requests at a time, each on a connection that is kept. */
  readonly connections: number;
  readonly durationMs: number;
}

/** What a load measured. */
export interface LoadFigures {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 200. */
  readonly failures: number;
}

/** Sends requests as fast as they are answered, for a while. */
export async function measureLoad({
  url,
  headers,
  bodies,
  connections,
  durationMs,
}: Load): Promise<LoadFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const tookMs: number[] = [];
  let failures = 0;
  let next = 0;
  const startedAt = performance.now();
  const ask = async (): Promise<void> => {
    while (performance.now() - startedAt < durationMs) {
      const askedAt = performance.now();
      const status = await post(agent, url, headers, bodies[next++ % bodies.length] ?? '');
      tookMs.push(performance.now() - askedAt);
      if (status !== 200) failures++;
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  const seconds = (performance.now() - startedAt) / 1000;
  agent.destroy();
  return {
    requests: tookMs.length,
    requestsPerSecond: rounded(tookMs.length / seconds, 0),
    p50Ms: rounded(percentile(tookMs, 0.5), 2),
    p99Ms: rounded(percentile(tookMs, 0.99), 2),
    failures,
  };
}

function post(
  agent: Agent,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    asked.once('error', reject).once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asked.end(body);
  });
}
