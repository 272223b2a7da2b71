/** What a sweep did. */
export interface SweepResult {
  /** Streams that owe a resolve. */
  readonly owed: number;
  /** Streams that were signalled to resend theirs. */
  readonly signalled: number;
  /** Intents that were dropped as superseded: their streams had passed them without settling them. */
  readonly superseded: number;
  /** Settled intents that were deleted because of their age. */
  readonly cleared: number;
  /** Stored issues that no scan had seen, and that were dispatched; absent if there were none. */
  readonly unseen?: number;
  /** How long the orchestrator may wait before the next sweep, in milliseconds. */
  readonly nextSweepInMs: number;
}
