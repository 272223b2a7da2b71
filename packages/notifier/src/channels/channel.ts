import type { GenericSchema, InferOutput } from 'valibot';
import type { LookUpResult, Notification, Outcome } from '../contract.ts';

/** One delivery attempt. */
export interface DeliveryRequest<Settings> {
  readonly notification: Notification;
  readonly settings: Settings;
  readonly secret: string;
  /** The maximum duration of the whole attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborts the attempt. The outcome is then `uncertain`, even if nothing was sent yet. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A provider behind the contract that all channels share: `deliver` makes exactly one delivery attempt and returns its
 * outcome. Provider and network failures are outcomes, never exceptions. Waiting and retrying are up to the caller.
 */
export interface Channel<Schema extends GenericSchema = GenericSchema> {
  /** The provider name that a connected app refers to. */
  readonly provider: string;
  /** The schema of the settings of a connected app. Settings are not secret and may be displayed. */
  readonly settings: Schema;
  /** Returns why the secret is invalid, without quoting it, or null if it is valid. */
  checkSecret(secret: string): string | null;
  deliver(request: DeliveryRequest<InferOutput<Schema>>): Promise<Outcome>;
  /**
   * Asks the provider whether a notification in doubt (`uncertain`) arrived. Never throws and has no side effects;
   * returns `unknown` if the provider does not respond. Absent if the provider has no way to tell.
   */
  lookUp?(request: DeliveryRequest<InferOutput<Schema>>): Promise<LookUpResult>;
  /** Closes the pooled connections. */
  close(): Promise<void>;
}
