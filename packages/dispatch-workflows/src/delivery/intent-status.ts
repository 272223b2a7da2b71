/** Every status of an intent. */
export const INTENT_STATUSES = [
  /** An attempt is in progress, or was interrupted: only its claimant knows. */
  'intended',
  /** The latest attempt did not deliver it, and another one may follow. */
  'refused',
  /** The outcome of an attempt is unknown. */
  'uncertain',
  'delivered',
  /** Dropped, with a drop code. */
  'dropped',
] as const;

/** The status of an intent. */
export type IntentStatus = (typeof INTENT_STATUSES)[number];

/** An intent that is under way: neither delivered nor dropped. */
export type UnderWayStatus = Exclude<IntentStatus, 'delivered' | 'dropped'>;

/** The statuses under way as an SQL list; the same text as in the partial index `delivery_intents_unsettled`. */
export const UNDER_WAY_SQL = `('intended', 'refused', 'uncertain')`;

/** Whether a notification is under way: decided, and neither delivered nor dropped. */
export function isUnderWay(status: IntentStatus): status is UnderWayStatus {
  return status !== 'delivered' && status !== 'dropped';
}

/**
 * Whether a notification is in doubt, as anybody but its claimant sees it: it may have been sent, and the outcome is not
 * known.
 */
export function isInDoubt(status: IntentStatus): status is 'intended' | 'uncertain' {
  return status === 'intended' || status === 'uncertain';
}

/** The code of an intent that counts as delivered, although nobody knows whether it arrived. */
export const ASSUMED_CODE = 'UNCERTAIN_NOT_RESENT';
