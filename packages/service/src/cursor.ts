import * as v from 'valibot';
import { problem } from './problem.ts';

const MAX_CURSOR_LENGTH = 2048;

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
  return problem(400, 'CURSOR_INVALID', 'The cursor is not one that this list has given out.');
}

/** Options of {@link pageQuery}. */
export interface PageQueryOptions {
  /** Default 50. */
  readonly defaultLimit?: number;
  /** Default 200; a greater limit is refused, not cut. */
  readonly maxLimit?: number;
}

/** The entries `limit` and `cursor` of a list's query schema: `v.object({ ...pageQuery(), status: … })`. */
export function pageQuery(options: PageQueryOptions = {}): PageQueryEntries {
  const { defaultLimit = 50, maxLimit = 200 } = options;
  return {
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,6}$/, 'Expected a whole number.'),
        v.transform(Number),
        v.number(),
        v.minValue(1, 'Expected at least 1.'),
        v.maxValue(maxLimit, `Expected at most ${maxLimit}.`),
      ),
      String(defaultLimit),
    ),
    cursor: v.optional(v.pipe(v.string(), v.maxLength(MAX_CURSOR_LENGTH, 'The cursor is too long.'))),
  };
}

/** The type of {@link pageQuery}'s entries. */
export interface PageQueryEntries {
  readonly limit: v.OptionalSchema<v.GenericSchema<string, number>, string>;
  readonly cursor: v.OptionalSchema<v.GenericSchema<string, string>, undefined>;
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
