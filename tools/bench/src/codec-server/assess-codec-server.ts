import { atLeast, atMost, type Goal } from '../goals.ts';
import type { CodecServerReport } from './run-codec-server.ts';

/** The goals of `bench codec-server`. */
const GOALS = { requestsPerSecond: 1000, p99Ms: 25 };

/**
 * Compares a report with its goals. A missed speed is a missed goal and no failure; a request that failed, or that is not in
 * the audit log, is one.
 */
export function assessCodecServer({ loads, failures, unaudited }: CodecServerReport): {
  readonly goals: readonly Goal[];
  readonly exitCode: 0 | 1;
} {
  const at = (connections: number) => loads.find((load) => load.connections === connections)?.server;
  return {
    goals: [
      atLeast(
        'server.32connections.requestsPerSecond',
        at(32)?.requestsPerSecond.median ?? Number.NaN,
        'requests/s',
        GOALS.requestsPerSecond,
      ),
      atMost('server.6connections.p99Ms', at(6)?.p99Ms ?? Number.NaN, 'ms', GOALS.p99Ms),
      atMost('failures', failures, 'requests', 0),
      atMost('unaudited', unaudited, 'requests', 0),
    ],
    exitCode: failures === 0 && unaudited === 0 ? 0 : 1,
  };
}
