/** Rows that were persisted with what they describe, and wait to be relayed. */
export interface Outbox<Row> {
  /**
   * Takes at most `limit` rows, oldest first, and deletes them once `handle` has resolved, in one transaction; returns how
   * many. Any number of processes may do so at once.
   */
  take(limit: number, handle: (rows: readonly Row[]) => Promise<void>): Promise<number>;
  /** Marks the oldest row as refused: it stays, and is not taken again. */
  refuseFirst(): Promise<void>;
}

/** How rows are relayed. */
export interface RelayOptions<Row> {
  readonly handle: (rows: readonly Row[]) => Promise<void>;
  /** Whether the rows themselves are at fault; anything else may pass later. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Rows in one transaction at most. */
  readonly maxRows: number;
}

/**
 * Relays what is waiting, at least once, and returns the number of rows. A row that is refused permanently is marked and
 * left behind, so that it does not block the others: a batch that is refused is repeated with its first row alone.
 */
export async function relayRows<Row>(
  outbox: Outbox<Row>,
  { handle, isRefusal, maxRows }: RelayOptions<Row>,
): Promise<number> {
  try {
    return await outbox.take(maxRows, handle);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  try {
    return await outbox.take(1, handle);
  } catch (error) {
    if (isRefusal(error)) await outbox.refuseFirst();
    throw error;
  }
}
