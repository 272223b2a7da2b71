import { NOTIFY_REASONS, type NotifyReason } from '../contract/reasons.ts';
import type { DeliveryOrder } from '../contract/delivery-order.ts';
import type { DeliveryTarget } from '../apps/connected-app-store.ts';
import * as v from 'valibot';

/**
 * What the body of a notification is made of besides the issue, its ids and its kind. It is kept with the first claim, so
 * that every attempt sends the same bytes: a renamed route or app, other settings, or a resolve that is sent again as owed
 * change nothing. Where and how it is sent (the URL, the secret) is always current.
 */
export interface BodyInputs {
  readonly reason: NotifyReason;
  readonly routeName: string;
  readonly appName: string;
  readonly sequence: number;
  /** Whose `externalId` and `settings` these are; for another provider they say nothing. */
  readonly provider: string;
  readonly externalId: string | null;
  /** The settings that shape the body. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The inputs as they are now. */
export function bodyInputsOf(
  { stream, state, reason }: DeliveryOrder,
  { app, routeName }: Pick<DeliveryTarget, 'app' | 'routeName'>,
  settings: Readonly<Record<string, unknown>>,
): BodyInputs {
  return {
    reason,
    routeName: routeName ?? stream.routeId,
    appName: app.name,
    sequence: state.notificationCount,
    provider: app.provider,
    externalId: state.externalIds[app.provider] ?? null,
    settings,
  };
}

const schema = v.object({
  reason: v.picklist(NOTIFY_REASONS),
  routeName: v.string(),
  appName: v.string(),
  sequence: v.number(),
  provider: v.string(),
  externalId: v.nullable(v.string()),
  settings: v.record(v.string(), v.unknown()),
});

/** Reads what a row holds; null if it holds none, or those of a release that keeps others. */
export function readBodyInputs(stored: unknown): BodyInputs | null {
  const parsed = v.safeParse(schema, stored);
  return parsed.success ? parsed.output : null;
}
