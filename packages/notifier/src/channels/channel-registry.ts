import * as v from 'valibot';
import type { LookUpResult, Notification, Outcome } from '../contract.ts';
import { NotifierError } from '../errors.ts';
import type { Channel } from './channel.ts';
import type { ConnectionPermit, PermitWait } from './connection-pool.ts';
import { REDACTED, restoreSettings } from './redact-settings.ts';

/** One delivery attempt with stored settings, which are validated before the attempt. */
export interface StoredDeliveryRequest {
  readonly provider: string;
  readonly settings: unknown;
  readonly secret: string;
  readonly notification: Notification;
  /** The maximum duration of connecting, sending and reading the response together, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * From `bodySettings`, as they were at the first attempt, so that a change of the settings in between does not change
   * the body. Default: the current ones, also where these are no longer valid.
   */
  readonly bodySettings?: Readonly<Record<string, unknown>> | undefined;
  /** From `reserve`. Without a valid one, the attempt waits for a permit itself, for at most 500 ms. */
  readonly permit?: ConnectionPermit | undefined;
}

/** The destination that a permit is for, and the limits of the wait for it. */
export interface StoredReserveRequest extends PermitWait {
  readonly provider: string;
  readonly settings: unknown;
  readonly secret: string;
}

/** The channels of one process, by provider name. */
export interface ChannelRegistry {
  /** The provider names, sorted. */
  readonly providers: readonly string[];
  /**
   * Validates the configuration of a connected app before it is saved and returns its settings with defaults applied.
   * Query values that `redactSettings` has hidden are taken from `stored`, the settings saved before for the same
   * provider, as long as the URL before the query stays the same; otherwise they are invalid.
   *
   * @throws {NotifierError} NOTIFIER_PROVIDER_UNKNOWN, NOTIFIER_SETTINGS_INVALID, NOTIFIER_SECRET_INVALID
   */
  check(
    provider: string,
    settings: unknown,
    secret: string,
    stored?: unknown,
  ): Readonly<Record<string, unknown>>;
  /** The settings that shape the body, without those that are not set; none if the settings are no longer valid. */
  bodySettings(provider: string, settings: unknown): Readonly<Record<string, unknown>>;
  /**
   * Waits for a permit for one of the limited connections to the destination. Call it before the notification is
   * claimed, pass the permit to `deliver`, and release it afterwards in any case. Null if none was free within `waitMs`,
   * if `signal` was aborted, or after `close`: nothing was sent, and nothing needs to be claimed. Where nothing limits
   * the attempt, for example because the settings are no longer valid, the permit is granted at once.
   */
  reserve(request: StoredReserveRequest): Promise<ConnectionPermit | null>;
  /**
   * Makes one delivery attempt. A provider or settings that this process does not know are an outcome
   * (`SETTINGS_INVALID`), not an exception. It is retryable: during a rollout, a process of another release knows them.
   */
  deliver(request: StoredDeliveryRequest): Promise<Outcome>;
  /**
   * Asks the provider whether a notification in doubt (`uncertain`) arrived. Returns `unknown` if the provider has no
   * way to tell, if there is no channel for it, or if the settings are no longer valid.
   */
  lookUp(request: StoredDeliveryRequest): Promise<LookUpResult>;
  /** Closes the connections of all channels. */
  close(): Promise<void>;
}

/** Creates a registry. Provider names must be unique. */
export function createChannelRegistry(channels: readonly Channel[]): ChannelRegistry {
  const byProvider = new Map(channels.map((channel) => [channel.provider, channel]));
  if (byProvider.size !== channels.length)
    throw new TypeError('provider names must be unique: two channels have the same one');
  return {
    providers: [...byProvider.keys()].toSorted(),
    check(provider, settings, secret, stored) {
      const channel = byProvider.get(provider);
      if (channel === undefined) {
        throw new NotifierError(
          'NOTIFIER_PROVIDER_UNKNOWN',
          provider,
          `unknown provider; expected one of: ${[...byProvider.keys()].toSorted().join(', ')}`,
        );
      }
      const restored = restoreSettings(settings, stored);
      const parsed = v.safeParse(channel.settings, restored.settings);
      if (!parsed.success || restored.unknown.length > 0) {
        const hidden = restored.unknown.map((path) => ({
          path,
          message: `expected the query value instead of ${REDACTED}, which keeps a stored value of the same URL`,
        }));
        const problems = (parsed.issues ?? []).map((issue) => ({
          path: v.getDotPath(issue) ?? '',
          // Every other message of the library quotes the input.
          message: `expected ${issue.expected ?? (issue.type === 'check' ? issue.message : 'a valid value')}`,
        }));
        throw new NotifierError('NOTIFIER_SETTINGS_INVALID', provider, `invalid settings for ${provider}`, [
          ...problems,
          ...hidden,
        ]);
      }
      const problem = channel.checkSecret(secret);
      if (problem !== null) throw new NotifierError('NOTIFIER_SECRET_INVALID', provider, problem);
      return parsed.output;
    },
    bodySettings(provider, settings) {
      const channel = byProvider.get(provider);
      const valid = channel === undefined ? null : parseSettings(channel, settings);
      return channel === undefined || valid === null ? {} : pick(valid, channel.bodySettings);
    },
    async reserve({ provider, settings, ...request }) {
      const channel = byProvider.get(provider);
      const validSettings = channel?.reserve === undefined ? null : parseSettings(channel, settings);
      if (channel?.reserve === undefined || validSettings === null) return { release: () => undefined };
      return channel.reserve({ ...request, settings: validSettings });
    },
    async deliver({ provider, settings, bodySettings, ...request }) {
      const channel = byProvider.get(provider);
      const validSettings = channel === undefined ? null : settingsFor(channel, settings, bodySettings);
      if (channel === undefined || validSettings === null) {
        return { kind: 'rejected', retryable: true, code: 'SETTINGS_INVALID', status: null };
      }
      return channel.deliver({ ...request, settings: validSettings });
    },
    async lookUp({ provider, settings, bodySettings, ...request }) {
      const channel = byProvider.get(provider);
      const validSettings =
        channel?.lookUp === undefined ? null : settingsFor(channel, settings, bodySettings);
      if (channel?.lookUp === undefined || validSettings === null) return 'unknown';
      return channel.lookUp({ ...request, settings: validSettings });
    },
    async close() {
      await Promise.all(channels.map((channel) => channel.close()));
    },
  };
}

/** The current settings, with the body made of those that were given. */
function settingsFor(
  channel: Channel,
  settings: unknown,
  bodySettings: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | null {
  const current = parseSettings(channel, settings);
  if (current === null || bodySettings === undefined) return current;
  const others = Object.keys(current).filter((name) => !channel.bodySettings.includes(name));
  const given = pick(bodySettings, channel.bodySettings);
  return parseSettings(channel, { ...pick(current, others), ...given }) ?? current;
}

function pick(
  settings: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  );
}

function parseSettings(channel: Channel, settings: unknown): Readonly<Record<string, unknown>> | null {
  const parsed = v.safeParse(channel.settings, settings);
  return parsed.success ? parsed.output : null;
}
