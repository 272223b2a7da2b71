/** Every policy for notifications in doubt. */
export const UNCERTAIN_POLICIES = [
  /** Resends everything except renotifications, which the next one replaces anyway. */
  'resend-pages',
  'resend-all',
  /** Resends nothing: what is in doubt counts as delivered. */
  'resend-none',
] as const;

/** What to do about a notification in doubt. */
export type UncertainPolicy = (typeof UNCERTAIN_POLICIES)[number];
