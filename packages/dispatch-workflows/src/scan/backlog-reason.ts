/** Why the signals of a stream wait in the backlog. */
export const BACKLOG_REASONS = [
  /** The connected app has its share of the running alert streams. */
  'over_share',
  /** Temporal refused a signal to this stream, or did not answer. */
  'unreachable',
] as const;

/** Why the signals of a stream wait in the backlog. */
export type BacklogReason = (typeof BACKLOG_REASONS)[number];
