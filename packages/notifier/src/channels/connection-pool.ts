import type { LookupFunction } from 'node:net';
import { createConnection, type Connection } from './connection.ts';

/** The right to use one connection to one destination, for one request at a time, until it is released. */
export interface ConnectionPermit {
  /** Gives the permit back. Further calls do nothing. */
  release(): void;
}

/** Limits of the wait for a permit. */
export interface PermitWait {
  /** The maximum wait, in milliseconds. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connections per origin, limited by permits. No request queues for a connection: whoever has a permit gets one at once,
 * so a request's time is its own. Permits are granted first come, first served, and a receiver that hangs holds only
 * the permits of its own origin. Nothing is kept for an origin that is not in use.
 */
export interface ConnectionPool {
  /** Waits for a permit. Null if none was free in time, if `signal` was aborted, or if the pool was closed. */
  acquire(origin: string, wait: PermitWait): Promise<ConnectionPermit | null>;
  /** Whether this pool granted the permit for the origin and it was not released. */
  isValid(permit: ConnectionPermit, origin: string): boolean;
  /** Takes an idle connection or creates one. The holder of a permit calls it and gives the connection back. */
  take(origin: string): Connection;
  /** Takes a connection back. It is kept only if it is connected and idle. */
  giveBack(origin: string, connection: Connection): void;
  /** Grants no further permits, closes idle connections and waits until those in use are given back. */
  close(): Promise<void>;
}

interface Origin {
  permitCount: number;
  /** First come, first served. Each takes the permit that has become free. */
  readonly waiting: Set<() => void>;
  /** The one used last is reused first, so that surplus ones reach their idle timeout. */
  readonly idle: Set<Connection>;
}

/** Creates a connection pool. */
export function createConnectionPool({
  maxConnectionsPerOrigin,
  lookup,
}: {
  readonly maxConnectionsPerOrigin: number;
  readonly lookup?: LookupFunction | undefined;
}): ConnectionPool {
  const origins = new Map<string, Origin>();
  const originByPermit = new Map<ConnectionPermit, string>();
  const inUse = new Set<Connection>();
  let isClosed = false;
  let onUnused: () => void = () => undefined;

  const find = (name: string): Origin => {
    const origin = origins.get(name) ?? { permitCount: 0, waiting: new Set(), idle: new Set() };
    origins.set(name, origin);
    return origin;
  };
  const forgetUnused = (name: string): void => {
    const { permitCount, waiting, idle } = find(name);
    if (permitCount === 0 && waiting.size === 0 && idle.size === 0) origins.delete(name);
  };
  const grant = (name: string): ConnectionPermit => {
    const origin = find(name);
    const permit: ConnectionPermit = {
      release() {
        if (!originByPermit.delete(permit)) return;
        origin.permitCount--;
        const [takeNext] = origin.waiting;
        takeNext?.();
        forgetUnused(name);
      },
    };
    origin.permitCount++;
    originByPermit.set(permit, name);
    return permit;
  };
  const discard = (name: string, connection: Connection): void => {
    void connection.client.destroy();
    forgetUnused(name);
  };

  return {
    async acquire(name, { waitMs, signal }) {
      if (isClosed || signal?.aborted === true) return null;
      if (find(name).permitCount < maxConnectionsPerOrigin) return grant(name);
      const { waiting } = find(name);
      return new Promise((resolve) => {
        const leaveWith = (permit: ConnectionPermit | null): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
          waiting.delete(take);
          resolve(permit);
        };
        const take = (): void => leaveWith(isClosed ? null : grant(name));
        const giveUp = (): void => leaveWith(null);
        const timer = setTimeout(giveUp, waitMs);
        signal?.addEventListener('abort', giveUp);
        waiting.add(take);
      });
    },
    isValid: (permit, origin) => originByPermit.get(permit) === origin,
    take(name) {
      const { idle } = find(name);
      const kept = [...idle].at(-1);
      const connection: Connection =
        kept ??
        createConnection(name, {
          lookup,
          onDisconnect: () => {
            if (origins.get(name)?.idle.delete(connection) === true) discard(name, connection);
          },
        });
      idle.delete(connection);
      inUse.add(connection);
      return connection;
    },
    giveBack(name, connection) {
      inUse.delete(connection);
      if (!isClosed && connection.isReusable) find(name).idle.add(connection);
      else discard(name, connection);
      if (inUse.size === 0) onUnused();
    },
    async close() {
      isClosed = true;
      for (const [name, { waiting, idle }] of origins) {
        for (const take of waiting) take();
        for (const connection of idle) {
          idle.delete(connection);
          discard(name, connection);
        }
      }
      if (inUse.size > 0) await new Promise<void>((resolve) => (onUnused = resolve));
    },
  };
}
