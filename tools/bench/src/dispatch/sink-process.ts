import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { faultScriptSchema, type FaultScript, startNotificationSink } from '@heliograph/simulators';
import * as v from 'valibot';

/** The sink's record of one request. */
const receivedSchema = v.object({
  at: v.number(),
  webhookId: v.string(),
  streamId: v.string(),
  eventId: v.string(),
  isAccepted: v.boolean(),
});
const messageSchema = v.variant('kind', [
  v.object({ kind: v.literal('ready'), url: v.string() }),
  v.object({ kind: v.literal('received'), requests: v.array(receivedSchema) }),
]);

/** A notification as the sink received it. */
export type Received = v.InferOutput<typeof receivedSchema>;

/** A sink in a process of its own, so that its work is not the worker's. */
export interface SinkProcess {
  readonly url: string;
  readonly received: readonly Received[];
  stop(): Promise<void>;
}

/** Starts the sink, which plays the fault script; it ends with this process. */
export async function startSinkProcess(faults: FaultScript = []): Promise<SinkProcess> {
  const child = fork(fileURLToPath(import.meta.url), ['sink', JSON.stringify(faults)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const received: Received[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the sink ended with ${code}`)));
    child.on('message', (message) => {
      const parsed = v.parse(messageSchema, message);
      if (parsed.kind === 'ready') resolve(parsed.url);
      else received.push(...parsed.requests);
    });
  });
  return {
    url,
    received,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit').once('exit', () => resolve());
        child.disconnect();
      }),
  };
}

if (process.argv[2] === 'sink' && process.send !== undefined) {
  const send = process.send.bind(process);
  let requests: Received[] = [];
  const sink = await startNotificationSink({
    faults: v.parse(faultScriptSchema, JSON.parse(process.argv[3] ?? '[]')),
    onRecord: ({ receivedAt, webhookId, body: { streamId, issue }, answer }) => {
      const isAccepted = answer === 'accepted';
      requests.push({ at: receivedAt, webhookId, streamId, eventId: issue.eventId, isAccepted });
    },
  });
  // In bundles: one message per request would be work of the process that is measured.
  const report = setInterval(() => {
    if (requests.length > 0) send({ kind: 'received', requests });
    requests = [];
  }, 100);
  process.once('disconnect', () => {
    clearInterval(report);
    void sink.close();
  });
  send({ kind: 'ready', url: sink.url });
}
