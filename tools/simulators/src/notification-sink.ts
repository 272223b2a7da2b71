import * as v from 'valibot';
import { createFaultPlayer, type Fault, type FaultScript } from './fault-script.ts';
import { parseJson, startLoopbackServer } from './loopback-server.ts';
import { playFault } from './play-fault.ts';
import { seededRandom } from './random.ts';

const bodySchema = v.object({
  type: v.string(),
  notificationId: v.string(),
  streamId: v.string(),
  sequence: v.number(),
  issue: v.object({
    eventId: v.string(),
    monitor: v.string(),
    fingerprint: v.string(),
    status: v.picklist(['firing', 'resolved', 'suppressed']),
    severity: v.string(),
    labels: v.record(v.string(), v.string()),
    annotations: v.record(v.string(), v.string()),
    startsAt: v.string(),
    endsAt: v.nullable(v.string()),
  }),
});

/** One request as the sink saw it. */
export interface SinkRecord {
  /** Counts every request, from 1, in the order in which their bodies were complete. */
  readonly order: number;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The receiver's idempotency key. */
  readonly webhookId: string;
  readonly signature: string;
  readonly timestamp: string;
  readonly body: v.InferOutput<typeof bodySchema>;
  readonly rawBody: string;
  /** What the sink did: accepted it with 2xx, or which fault it played. */
  readonly answer: 'accepted' | Fault['kind'];
}

/** What a sink is started with. */
export interface NotificationSinkOptions {
  /** Default: any free port. */
  readonly port?: number;
  readonly faults?: FaultScript;
  /** Decides where a fault has a probability; default 1. */
  readonly seed?: number;
  /** Hears of each record as it is made. */
  readonly onRecord?: (record: SinkRecord) => void;
}

/** A receiver of generic webhooks that remembers everything, in order. */
export interface NotificationSink {
  readonly url: string;
  readonly port: number;
  /** Everything received. */
  readonly records: readonly SinkRecord[];
  /** Replaces the fault script from the next request on. */
  setFaults(script: FaultScript): void;
  /** Forgets what was received. */
  clear(): void;
  /** Stops, cutting connections. */
  close(): Promise<void>;
}

/** Starts a sink on loopback. A request that is no notification is answered with 400 and not recorded. */
export async function startNotificationSink(
  options: NotificationSinkOptions = {},
): Promise<NotificationSink> {
  const random = seededRandom(options.seed ?? 1);
  let play = createFaultPlayer(options.faults ?? [], random);
  let order = 0;
  let records: SinkRecord[] = [];
  const server = await startLoopbackServer(options.port, ({ request, response, rawBody }) => {
    const parsed = v.safeParse(bodySchema, parseJson(rawBody));
    const webhookId = request.headers['webhook-id'];
    if (!parsed.success || typeof webhookId !== 'string') {
      response.writeHead(400).end();
      return;
    }
    const fault = play(parsed.output);
    const record: SinkRecord = {
      order: ++order,
      receivedAt: Date.now(),
      webhookId,
      signature: String(request.headers['webhook-signature'] ?? ''),
      timestamp: String(request.headers['webhook-timestamp'] ?? ''),
      body: parsed.output,
      rawBody,
      answer: fault?.kind ?? 'accepted',
    };
    records.push(record);
    options.onRecord?.(record);
    playFault(fault, request, response, () => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ externalId: `sink-${parsed.output.streamId}` }));
    });
  });
  return {
    url: `http://127.0.0.1:${server.port}/hook`,
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
