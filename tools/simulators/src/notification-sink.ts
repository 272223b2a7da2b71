import * as v from 'valibot';
import type { Fault } from './fault-script.ts';
import { parseJson } from './loopback-server.ts';
import {
  playFault,
  startProviderSimulator,
  type ProviderSimulator,
  type ProviderSimulatorOptions,
} from './provider-simulator.ts';

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

/** One notification as the sink saw it. */
export interface SinkEntry {
  /** The receiver's idempotency key. */
  readonly webhookId: string;
  readonly signature: string;
  readonly timestamp: string;
  readonly body: v.InferOutput<typeof bodySchema>;
  readonly rawBody: string;
  /** What the sink did: accepted it with 2xx, or which fault it played. */
  readonly answer: 'accepted' | Fault['kind'];
}
/** A receiver of generic webhooks that remembers everything, in order. */
export type NotificationSink = ProviderSimulator<SinkEntry>;

/** Starts a sink on loopback. It answers 400 to a request that is no notification, and does not record it. */
export function startNotificationSink(
  options: ProviderSimulatorOptions<SinkEntry> = {},
): Promise<NotificationSink> {
  return startProviderSimulator('/hook', options, ({ headers, body: rawBody }, response, reception) => {
    const parsed = v.safeParse(bodySchema, parseJson(rawBody));
    const webhookId = headers['webhook-id'];
    if (!parsed.success || typeof webhookId !== 'string') {
      response.writeHead(400).end();
      return;
    }
    const body = parsed.output;
    const fault = reception.pickFault(body);
    reception.record({
      webhookId,
      signature: String(headers['webhook-signature'] ?? ''),
      timestamp: String(headers['webhook-timestamp'] ?? ''),
      body,
      rawBody,
      answer: fault?.kind ?? 'accepted',
    });
    playFault(fault, response, () => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ externalId: `sink-${body.streamId}` }));
    });
  });
}
