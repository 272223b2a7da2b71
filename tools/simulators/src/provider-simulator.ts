import type { ServerResponse } from 'node:http';
import { createFaultPlayer, type Fault, type FaultScript } from './fault-script.ts';
import { type LoopbackRequest, startLoopbackServer } from './loopback-server.ts';
import { seededRandom } from './random.ts';

/** A request as a simulator remembers it: `E` is what it keeps of the request and of its own answer. */
export type Recorded<E> = E & {
  /** Counts every recorded request from 1, in the order in which the bodies were complete. */
  readonly order: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
};

/** Options of a simulator. */
export interface ProviderSimulatorOptions<E> {
  /** Default: any free port. */
  readonly port?: number;
  readonly faults?: FaultScript;
  /** Seeds the faults that have a probability; default 1. */
  readonly seed?: number;
  /** Receives each record as it is made. */
  readonly onRecord?: (record: Recorded<E>) => void;
}

/** A provider on loopback that remembers every notification, in order. */
export interface ProviderSimulator<E> {
  /** Where to post. */
  readonly url: string;
  readonly port: number;
  readonly records: readonly Recorded<E>[];
  /** Replaces the fault script from the next request on. */
  setFaults(script: FaultScript): void;
  /** Forgets what was received. */
  clear(): void;
  /** Stops, cutting connections. */
  close(): Promise<void>;
}

/** How a provider handles one request. */
export interface Reception<E> {
  /** Finds the fault, if any, that the script has for a stream and a type of notification. */
  readonly pickFault: (about: { readonly streamId: string; readonly type: string }) => Fault | null;
  readonly record: (entry: E) => void;
}

/** Starts a provider at `path`; `receive` records a request and answers it. */
export async function startProviderSimulator<E>(
  path: string,
  options: ProviderSimulatorOptions<E>,
  receive: (request: LoopbackRequest, response: ServerResponse, reception: Reception<E>) => void,
): Promise<ProviderSimulator<E>> {
  const random = seededRandom(options.seed ?? 1);
  let play = createFaultPlayer(options.faults ?? [], random);
  let order = 0;
  let records: Recorded<E>[] = [];
  const reception: Reception<E> = {
    pickFault: (about) => play(about),
    record(entry) {
      const record = { order: ++order, receivedAt: Date.now(), ...entry };
      records.push(record);
      options.onRecord?.(record);
    },
  };
  const server = await startLoopbackServer((response, request) => receive(request, response, reception), {
    port: options.port,
  });
  return {
    url: server.url + path,
    port: server.port,
    get records() {
      return records;
    },
    setFaults(script) {
      play = createFaultPlayer(script, random);
    },
    clear() {
      records = [];
    },
    close: () => server.close(),
  };
}

/** Plays a fault, or calls `accept` if there is none; after the delay if the fault is `slow`. */
export function playFault(fault: Fault | null, response: ServerResponse, accept: () => void): void {
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
      response.socket?.destroy();
      return;
    case 'hang':
      return;
  }
}
