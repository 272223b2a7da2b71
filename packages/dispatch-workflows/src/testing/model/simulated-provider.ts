import type { Notification, Outcome } from '@heliograph/notifier';
import type { StoredDeliveryRequest } from '@heliograph/notifier/channels';
import type { Random } from '@heliograph/simulators';
import { never, type Process } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What becomes of one request to a provider. */
export type RequestFate =
  | { readonly kind: 'accept'; readonly afterMs: number }
  /** It is accepted, and the answer is lost. */
  | { readonly kind: 'accept-and-lose' }
  /** It is received and nothing else: it is never accepted, and never answered. */
  | { readonly kind: 'hang' }
  /** The connection breaks after the first byte. */
  | { readonly kind: 'break' }
  | { readonly kind: 'refuse'; readonly status: number; readonly retryAfterMs?: number }
  /** No connection is made; the request is never sent. */
  | { readonly kind: 'no-connection'; readonly afterMs: number };

/** A request as the provider received it. */
export interface Receipt {
  readonly at: number;
  readonly appId: string;
  /** What of the settings it was sent with. */
  readonly url: string;
  readonly id: string;
  readonly kind: Notification['kind'];
  readonly streamId: string;
  readonly episodeId: string;
  /** Everything that the body is made of. */
  readonly body: string;
  /** Whether the provider took it over. */
  readonly isAccepted: boolean;
  /** What the answer said, if it was answered. */
  readonly status: number | null;
}

/** Attempts that never reached the provider, by notification. */
export type Unsent = Map<string, number>;

/** Receives notifications in memory: what it accepted is what a person saw. */
export class SimulatedProvider {
  readonly receipts: Receipt[] = [];
  readonly unsent: Unsent = new Map();
  /** Notifications of which a sender could not know whether they arrived. */
  readonly doubtful = new Set<string>();
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #fateOf: (request: StoredDeliveryRequest) => RequestFate;
  readonly #onReceive: (receipt: Receipt) => void;

  constructor(options: {
    readonly time: VirtualTime;
    readonly random: Random;
    readonly fateOf: (request: StoredDeliveryRequest) => RequestFate;
    readonly onReceive: (receipt: Receipt) => void;
  }) {
    this.#time = options.time;
    this.#random = options.random;
    this.#fateOf = options.fateOf;
    this.#onReceive = options.onReceive;
  }

  /** Incidents that are open, by stream: the episodes that a person sees. */
  openEpisodes(): ReadonlyMap<string, ReadonlySet<string>> {
    const open = new Map<string, Set<string>>();
    const seen = new Set<string>();
    for (const { id, kind, streamId, episodeId, isAccepted } of this.receipts) {
      // A repeated webhook id changes nothing.
      if (!isAccepted || seen.has(id)) continue;
      seen.add(id);
      const episodes = open.get(streamId) ?? new Set();
      open.set(streamId, episodes);
      if (kind === 'resolve') episodes.delete(episodeId);
      else episodes.add(episodeId);
    }
    return open;
  }

  /** Sends a request from a process, as a channel does. */
  deliver(process: Process, request: StoredDeliveryRequest): Promise<Outcome> {
    if (!process.isAlive) return never();
    const fate = this.#fateOf(request);
    const { timeoutMs, signal, notification } = request;
    const there = 1 + 10 * this.#random();
    return new Promise((resolve) => {
      let isOver = false;
      let isSent = false;
      const end = (outcome: Outcome): void => {
        if (isOver) return;
        isOver = true;
        timeout.cancel();
        if (outcome.kind === 'uncertain') this.doubtful.add(notification.id);
        if (!isSent) this.unsent.set(notification.id, (this.unsent.get(notification.id) ?? 0) + 1);
        if (process.isAlive) resolve(outcome);
      };
      const unsent = (code: 'NOT_SENT' | 'CONNECT_FAILED'): Outcome => ({
        kind: 'rejected',
        retryable: true,
        code,
        status: null,
      });
      const timeout = this.#time.after(timeoutMs, () =>
        end(isSent ? { kind: 'uncertain', code: 'TIMEOUT' } : unsent('CONNECT_FAILED')),
      );
      signal?.addEventListener(
        'abort',
        () => end(isSent ? { kind: 'uncertain', code: 'ABORTED' } : unsent('NOT_SENT')),
        { once: true },
      );
      if (signal?.aborted === true) {
        end(unsent('NOT_SENT'));
        return;
      }
      if (fate.kind === 'no-connection') {
        this.#time.after(fate.afterMs, () => end(unsent('CONNECT_FAILED')));
        return;
      }
      this.#time.after(there, () => {
        // Given up or killed before the first byte.
        if (isOver || !process.isAlive) return;
        isSent = true;
        const status = fate.kind === 'accept' ? 200 : fate.kind === 'refuse' ? fate.status : null;
        const isAccepted = fate.kind === 'accept' || fate.kind === 'accept-and-lose';
        this.#receive(request, { isAccepted, status });
        const answerMs = fate.kind === 'accept' ? fate.afterMs : 1 + 10 * this.#random();
        if (fate.kind === 'accept-and-lose' || fate.kind === 'break')
          this.#time.after(answerMs, () => end({ kind: 'uncertain', code: 'CONNECTION_LOST' }));
        else if (fate.kind !== 'hang') this.#time.after(answerMs, () => end(outcomeOf(fate)));
      });
    });
  }

  #receive(
    { notification, settings }: StoredDeliveryRequest,
    { isAccepted, status }: { readonly isAccepted: boolean; readonly status: number | null },
  ): void {
    const { id, kind, streamId, episodeId, connectedApp } = notification;
    const receipt: Receipt = {
      at: this.#time.now,
      appId: connectedApp.id,
      url: urlOf(settings),
      id,
      kind,
      streamId,
      episodeId,
      body: JSON.stringify(notification),
      isAccepted,
      status,
    };
    this.receipts.push(receipt);
    this.#onReceive(receipt);
  }
}

function outcomeOf(fate: Extract<RequestFate, { kind: 'accept' | 'refuse' }>): Outcome {
  if (fate.kind === 'accept') return { kind: 'delivered', externalId: null, status: 200 };
  const { status, retryAfterMs } = fate;
  if (status === 429) return { kind: 'rate-limited', retryAfterMs: retryAfterMs ?? 1000, status };
  if (status === 410) return { kind: 'rejected', retryable: false, code: 'GONE', status };
  return { kind: 'rejected', retryable: status >= 500, code: 'HTTP_STATUS', status };
}

function urlOf(settings: unknown): string {
  return typeof settings === 'object' && settings !== null && 'url' in settings ? String(settings.url) : '';
}
