import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryAndWorkflowId } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { type DataConverter, type ReplayWorkerOptions, Worker, type WorkerPlugin } from '@temporalio/worker';
import type { SourcedHistory } from './history-source.ts';

/** With what to replay. */
export interface ReplayOptions {
  /** From `readWorkflowBundle` or `bundleWorkflows`. */
  readonly workflowBundle: { readonly code: string };
  /** Decodes the payloads of the histories; plain ones need none. */
  readonly dataConverter?: DataConverter | undefined;
  readonly plugins?: readonly WorkerPlugin[] | undefined;
  /** How long one history may take, in milliseconds; default 60 000. */
  readonly timeoutMs?: number | undefined;
}

/** What a replay that does not pass ran into; the message is the SDK's. */
export interface ReplayFailure {
  readonly kind: 'differs' | 'fails' | 'undecodable';
  readonly message: string;
}

/** Replays histories, one at a time. */
export interface Replayer {
  /** Resolves to null if the code continues the history. */
  replay(history: SourcedHistory): Promise<ReplayFailure | null>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * One replay worker serves many histories, since making one takes longer than most replays; after a replay that did not
 * come to an end it is replaced.
 */
export function createReplayer(options: ReplayOptions): Replayer {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  let stream: ReplayStream | null = null;
  const drop = async (): Promise<void> => {
    const ending = stream;
    stream = null;
    await ending?.end();
  };
  return {
    async replay({ history, workflowId }) {
      const running = (stream ??= openStream(options));
      // What could not be decoded for the history before says nothing about this one.
      running.takeUndecodable();
      const result = await within(timeoutMs, running.push({ history, workflowId }));
      if (result === EXPIRED) {
        // Not awaited: a worker that hangs may not end either.
        void drop();
        return { kind: 'fails', message: `the replay did not end within ${timeoutMs} ms` };
      }
      if (result instanceof Error && !isReplayError(result)) await drop();
      if (result === null) return null;
      const { message } = result;
      if (running.takeUndecodable()) return { kind: 'undecodable', message };
      return { kind: result.name === 'DeterminismViolationError' ? 'differs' : 'fails', message };
    },
    close: drop,
  };
}

interface ReplayStream {
  push(history: HistoryAndWorkflowId): Promise<Error | null>;
  /** Whether a payload could not be decoded since it was last asked. */
  takeUndecodable(): boolean;
  end(): Promise<void>;
}

function openStream(options: ReplayOptions): ReplayStream {
  let isUndecodable = false;
  let next = Promise.withResolvers<HistoryAndWorkflowId | null>();
  async function* histories(): AsyncGenerator<HistoryAndWorkflowId> {
    for (;;) {
      const history = await next.promise;
      if (history === null) return;
      next = Promise.withResolvers();
      yield history;
    }
  }
  // In threads of their own, as in production: on the main thread nothing would end a loop without end.
  const threads: object = { debugMode: false };
  const notice = (): void => {
    isUndecodable = true;
  };
  const results = Worker.runReplayHistories(
    { ...replayWorkerOptions(options, notice), ...threads },
    histories(),
  );
  return {
    async push(history) {
      next.resolve(history);
      try {
        const { value, done } = await results.next();
        return done === true ? new Error('the replay ended early') : (value.error ?? null);
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    },
    takeUndecodable() {
      const was = isUndecodable;
      isUndecodable = false;
      return was;
    },
    async end() {
      next.resolve(null);
      await results.next().catch(() => undefined);
    },
  };
}

/** Options for the SDK: with the codecs and plugins given, and nothing is encoded. */
export function replayWorkerOptions(
  { workflowBundle, dataConverter, plugins = [] }: ReplayOptions,
  onUndecodable: () => void,
): ReplayWorkerOptions {
  const noticing: WorkerPlugin = {
    name: 'heliograph-notice-undecodable',
    configureReplayWorker: (configured) => ({
      ...configured,
      dataConverter: noticeUndecodable(configured.dataConverter, onUndecodable),
    }),
  };
  return {
    workflowBundle,
    ...(dataConverter === undefined ? {} : { dataConverter }),
    // The last one sees the codecs that the others have added.
    plugins: [...plugins, noticing],
  };
}

/** The SDK reports a payload that cannot be decoded like an error of the workflow. */
function noticeUndecodable(converter: DataConverter = {}, onUndecodable: () => void): DataConverter {
  const noticing = (decode: PayloadCodec['decode']): PayloadCodec => ({
    // What the workflow asks for is compared by its kind and its names, never by its payloads.
    encode: async (payloads) => payloads,
    async decode(payloads, context) {
      try {
        return await decode(payloads, context);
      } catch (error) {
        onUndecodable();
        throw error;
      }
    },
  });
  const codecs = converter.payloadCodecs ?? [];
  return {
    ...converter,
    // The first one decodes last.
    payloadCodecs: [
      noticing(refuseEncrypted),
      ...codecs.map((codec) => noticing((payloads, context) => codec.decode(payloads, context))),
    ],
  };
}

async function refuseEncrypted(payloads: Payload[]): Promise<Payload[]> {
  const isEncrypted = ({ metadata }: Payload): boolean =>
    new TextDecoder().decode(metadata?.['encoding'] ?? undefined) === 'binary/encrypted';
  if (payloads.some(isEncrypted))
    throw new Error('the payloads are encrypted, and nothing that could decrypt them was given');
  return payloads;
}

const EXPIRED = Symbol('expired');

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | typeof EXPIRED> {
  const settled = new AbortController();
  const expired = sleep(timeoutMs, EXPIRED, { signal: settled.signal });
  expired.catch(() => undefined);
  try {
    return await Promise.race([work, expired]);
  } finally {
    settled.abort();
  }
}

const isReplayError = ({ name }: Error): boolean =>
  name === 'DeterminismViolationError' || name === 'ReplayError';
