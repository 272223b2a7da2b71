import { MAX_CURSOR_LENGTH } from '@heliograph/api-contract';
import * as v from 'valibot';
import { problem } from './problem.ts';

/** A page of a list; `nextCursor` is null on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Writes a position in a list as an opaque text for `?cursor=`. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position), 'utf8').toString('base64url');
}

/**
 * Reads a cursor back and validates it: what comes from a caller is never trusted.
 *
 * @throws Problem 400 CURSOR_INVALID
 */
export function decodeCursor<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  cursor: string,
): v.InferOutput<TSchema> {
  const result = v.safeParse(schema, parseCursor(cursor));
  if (!result.success) throw invalid();
  return result.output;
}

function parseCursor(cursor: string): unknown {
  if (cursor.length > MAX_CURSOR_LENGTH || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw invalid();
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalid();
  }
}

function invalid(): Error {
  return problem(400, 'CURSOR_INVALID', 'The cursor does not belong to this list. Start again without one.');
}

/**
 * Makes a page out of `limit + 1` fetched rows: the surplus row only proves that there is more.
 * `positionOf` says where the next page begins behind the given last item.
 */
export function toPage<T>(rows: readonly T[], limit: number, positionOf: (last: T) => unknown): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items, nextCursor: more ? encodeCursor(positionOf(last)) : null };
}
