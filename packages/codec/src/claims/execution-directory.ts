/** What exists in one namespace of Temporal. */
export interface ExecutionDirectory {
  /** How long histories are kept after their workflow has closed, in milliseconds. */
  readRetentionMs(signal: AbortSignal): Promise<number>;
  /**
   * Of some workflow ids, those that an open or retained execution has, or that a schedule starts executions with, also
   * under ids that are derived from it; each with the families that it belongs to: `root:<id of the topmost parent>` and
   * `schedule:<id>`.
   */
  findFamilies(
    workflowIds: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Whether any execution, or the schedule, of one of these families exists. */
  hasAny(families: readonly string[], signal: AbortSignal): Promise<boolean>;
}
