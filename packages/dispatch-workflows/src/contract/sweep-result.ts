/** What a sweep did. */
export interface SweepResult {
  /** Streams with something open outside although the newest issue is resolved. */
  readonly owed: number;
  /** Of these, how many were asked again to resolve. */
  readonly signalled: number;
  /** Intents that their streams had passed without settling them. */
  readonly superseded: number;
  /** Settled intents that were old enough to be cleared away. */
  readonly cleared: number;
  /** How long the orchestrator may wait before the next sweep, in milliseconds. */
  readonly nextSweepInMs: number;
}
