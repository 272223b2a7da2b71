import type { GenericSchema, InferOutput } from 'valibot';
import type { LookUpAnswer, Notification, Outcome } from '../contract.ts';

/** One attempt to tell a provider. */
export interface DeliveryRequest<Settings> {
  readonly notification: Notification;
  readonly settings: Settings;
  readonly secret: string;
  /** Longest time for the whole attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the attempt early; the outcome is then `uncertain` unless nothing was sent yet. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A provider behind the one contract that every channel keeps: `deliver` makes exactly one attempt, never throws
 * for what a provider or a network does, and says what became of it. Waiting and retrying belong to the caller.
 */
export interface Channel<Schema extends GenericSchema = GenericSchema> {
  /** The name by which connected apps choose this channel. */
  readonly provider: string;
  /** Checks the settings of a connected app; they are not secret and may be shown. */
  readonly settings: Schema;
  /** Checks the secret; returns what is wrong with it without quoting it, or null. */
  checkSecret(secret: string): string | null;
  deliver(request: DeliveryRequest<InferOutput<Schema>>): Promise<Outcome>;
  /**
   * Asks the provider whether a notification whose outcome is `uncertain` arrived. Never throws, changes nothing, and
   * is `unknown` where the provider does not answer. Only channels whose provider can tell have it.
   */
  lookUp?(request: DeliveryRequest<InferOutput<Schema>>): Promise<LookUpAnswer>;
  /** Closes kept connections. */
  close(): Promise<void>;
}
