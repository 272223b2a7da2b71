import type { GenericSchema, InferOutput } from 'valibot';
import type { LookUpResult, Notification, Outcome } from '../contract.ts';
import type { ConnectionPermit, PermitWait } from './connection-pool.ts';

/** One delivery attempt. */
export interface DeliveryRequest<Settings> {
  readonly notification: Notification;
  readonly settings: Settings;
  readonly secret: string;
  /** The maximum duration of connecting, sending and reading the response together, in milliseconds. */
  readonly timeoutMs: number;
  /** Aborts the attempt. The outcome is then `NOT_SENT` until the first byte was written, and `uncertain` afterwards. */
  readonly signal?: AbortSignal | undefined;
  /**
   * From `reserve`, with the same settings and secret. Without a valid one, the attempt first waits for a permit itself,
   * for at most 500 ms; if none is free by then, the outcome is `NOT_SENT`.
   */
  readonly permit?: ConnectionPermit | undefined;
}

/** The destination that a permit is for, and the limits of the wait for it. */
export interface ReserveRequest<Settings> extends PermitWait {
  readonly settings: Settings;
  readonly secret: string;
}

/** A schema of settings, which are an object. */
export type SettingsSchema = GenericSchema<unknown, Readonly<Record<string, unknown>>>;

/**
 * A provider behind the contract that all channels share: `deliver` makes exactly one delivery attempt and returns its
 * outcome. Provider and network failures are outcomes, never exceptions. Waiting and retrying are up to the caller.
 */
export interface Channel<Schema extends SettingsSchema = SettingsSchema> {
  /** The provider name that a connected app refers to. */
  readonly provider: string;
  /** The schema of the settings of a connected app. They may be displayed, except for query values of URLs. */
  readonly settings: Schema;
  /** The settings that the body is made of: the other ones say where and how it is sent. */
  readonly bodySettings: readonly string[];
  /** Returns why the secret is invalid, without quoting it, or null if it is valid. */
  checkSecret(secret: string): string | null;
  /**
   * Waits for a permit for one of the limited connections to the destination, so that the caller can claim what it
   * delivers only once it can be sent. Null if none was free in time, if `signal` was aborted, or if the channel was
   * closed. Absent if the channel limits no connections. The caller releases the permit.
   */
  reserve?(request: ReserveRequest<InferOutput<Schema>>): Promise<ConnectionPermit | null>;
  /** Makes one delivery attempt. `uncertain` only if the first byte of the request was written. */
  deliver(request: DeliveryRequest<InferOutput<Schema>>): Promise<Outcome>;
  /**
   * Asks the provider whether a notification in doubt (`uncertain`) arrived. Never throws and has no side effects;
   * returns `unknown` if the provider does not respond. Absent if the provider has no way to tell.
   */
  lookUp?(request: DeliveryRequest<InferOutput<Schema>>): Promise<LookUpResult>;
  /** Closes the pooled connections. */
  close(): Promise<void>;
}
