import * as v from 'valibot';
import type { LookUpAnswer, Notification, Outcome } from '../contract.ts';
import { NotifierError } from '../errors.ts';
import type { Channel } from './channel.ts';

/** One attempt, with settings as they are stored: unchecked. */
export interface StoredDeliveryRequest {
  readonly provider: string;
  readonly settings: unknown;
  readonly secret: string;
  readonly notification: Notification;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The channels of one process, by provider name. */
export interface ChannelRegistry {
  /** The known provider names, sorted. */
  readonly providers: readonly string[];
  /**
   * Checks a connected app before it is saved and returns its settings with defaults filled in.
   *
   * @throws {NotifierError} NOTIFIER_PROVIDER_UNKNOWN, NOTIFIER_SETTINGS_INVALID, NOTIFIER_SECRET_INVALID
   */
  check(provider: string, settings: unknown, secret: string): Readonly<Record<string, unknown>>;
  /** Makes one attempt. Settings that no longer fit are an outcome (`SETTINGS_INVALID`), not an exception. */
  deliver(request: StoredDeliveryRequest): Promise<Outcome>;
  /**
   * Asks whether a notification whose outcome is `uncertain` arrived. `unknown` where the provider cannot tell, is not
   * known here, or the settings no longer fit.
   */
  lookUp(request: StoredDeliveryRequest): Promise<LookUpAnswer>;
  /** Closes the connections of every channel. */
  close(): Promise<void>;
}

/** Puts channels together; two channels of one provider name are a programming error. */
export function createChannelRegistry(channels: readonly Channel[]): ChannelRegistry {
  const byProvider = new Map(channels.map((channel) => [channel.provider, channel]));
  if (byProvider.size !== channels.length) throw new TypeError('two channels have the same provider name');
  return {
    providers: [...byProvider.keys()].toSorted(),
    check(provider, settings, secret) {
      const channel = byProvider.get(provider);
      if (channel === undefined) {
        throw new NotifierError(
          'NOTIFIER_PROVIDER_UNKNOWN',
          provider,
          `no channel for this provider; known are: ${[...byProvider.keys()].toSorted().join(', ')}`,
        );
      }
      const parsed = v.safeParse(channel.settings, settings);
      if (!parsed.success || !isRecord(parsed.output)) {
        const problems = (parsed.issues ?? []).map((issue) => ({
          path: v.getDotPath(issue) ?? '',
          // Other messages of the library quote what they were given.
          message: `expected ${issue.expected ?? (issue.type === 'check' ? issue.message : 'a valid value')}`,
        }));
        throw new NotifierError(
          'NOTIFIER_SETTINGS_INVALID',
          provider,
          `settings do not fit ${provider}`,
          problems,
        );
      }
      const wrong = channel.checkSecret(secret);
      if (wrong !== null) throw new NotifierError('NOTIFIER_SECRET_INVALID', provider, wrong);
      return parsed.output;
    },
    async deliver({ provider, settings, ...request }) {
      const channel = byProvider.get(provider);
      const checked = channel === undefined ? null : settingsOf(channel, settings);
      if (channel === undefined || checked === null) {
        return { kind: 'rejected', retryable: false, code: 'SETTINGS_INVALID', status: null };
      }
      return channel.deliver({ ...request, settings: checked });
    },
    async lookUp({ provider, settings, ...request }) {
      const channel = byProvider.get(provider);
      const checked = channel?.lookUp === undefined ? null : settingsOf(channel, settings);
      if (channel?.lookUp === undefined || checked === null) return 'unknown';
      return channel.lookUp({ ...request, settings: checked });
    },
    async close() {
      await Promise.all(channels.map((channel) => channel.close()));
    },
  };
}

function settingsOf(channel: Channel, settings: unknown): Readonly<Record<string, unknown>> | null {
  const parsed = v.safeParse(channel.settings, settings);
  return parsed.success && isRecord(parsed.output) ? parsed.output : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
