/** Rows that were persisted with what they describe, and wait to be relayed. */
export interface Outbox<Row> {
  /**
   * Locks at most `limit` rows, oldest first, and passes them to `handle`; then deletes those that were relayed, and marks
   * those that are refused, which stay and are not taken again. One transaction: if it fails, all of them wait as before.
   * Any number of processes may do so at once, with rows of their own.
   */
  take(limit: number, handle: (rows: readonly Row[]) => Promise<SortedRows<Row>>): Promise<SortedRows<Row>>;
}

/** What became of rows; those that are neither relayed nor refused wait for another time. */
export interface SortedRows<Row> {
  readonly relayed: readonly Row[];
  readonly refused: readonly RefusedRow<Row>[];
  /** Why others could not be relayed for now. */
  readonly failure?: { readonly error: unknown };
}

/** A row that is refused permanently, and why. */
export interface RefusedRow<Row> {
  readonly row: Row;
  readonly error: unknown;
}

/** How rows are relayed. */
export interface RelayOptions<Row> {
  /** Relays rows, all or none. */
  readonly handle: (rows: readonly Row[]) => Promise<void>;
  /** Whether the rows themselves are at fault; anything else may pass later. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Rows in one transaction at most. */
  readonly maxRows: number;
  /** Receives each row that was refused, once it is marked. */
  readonly onRefused?: ((refused: RefusedRow<Row>) => void) | undefined;
}

/**
 * Relays what is waiting, at least once, and returns how many rows wait no longer. A batch that is refused is halved until
 * the rows that are at fault stand alone: they are marked, and all others are relayed. If some cannot be relayed for now,
 * they stay, and this throws.
 */
export async function relayRows<Row>(
  outbox: Outbox<Row>,
  { maxRows, onRefused, ...options }: RelayOptions<Row>,
): Promise<number> {
  const { relayed, refused, failure } = await outbox.take(maxRows, (rows) => sortRows(rows, options));
  for (const each of refused) onRefused?.(each);
  if (failure !== undefined) throw failure.error;
  return relayed.length + refused.length;
}

async function sortRows<Row>(
  rows: readonly Row[],
  options: Pick<RelayOptions<Row>, 'handle' | 'isRefusal'>,
): Promise<SortedRows<Row>> {
  try {
    await options.handle(rows);
    return { relayed: rows, refused: [] };
  } catch (error) {
    if (!options.isRefusal(error)) return { relayed: [], refused: [], failure: { error } };
    const [row] = rows;
    if (row !== undefined && rows.length === 1) return { relayed: [], refused: [{ row, error }] };
  }
  const middle = Math.ceil(rows.length / 2);
  const first = await sortRows(rows.slice(0, middle), options);
  if (first.failure !== undefined) return first;
  const second = await sortRows(rows.slice(middle), options);
  return {
    ...second,
    relayed: [...first.relayed, ...second.relayed],
    refused: [...first.refused, ...second.refused],
  };
}
