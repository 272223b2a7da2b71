import * as v from 'valibot';

/** The longest cursor in characters; no list gives out a longer one. */
export const MAX_CURSOR_LENGTH = 2048;

/** Options of {@link pageQuery}. */
export interface PageQueryOptions {
  /** Default 50. */
  readonly defaultLimit?: number;
  /** Default 200; a greater limit is refused, not cut. */
  readonly maxLimit?: number;
}

/** The type of {@link pageQuery}'s entries. */
export interface PageQueryEntries {
  readonly limit: v.OptionalSchema<v.GenericSchema<string, number>, string>;
  readonly cursor: v.OptionalSchema<v.GenericSchema<string, string>, undefined>;
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

/** The schema of a page: `items`, and `nextCursor`, which is `null` on the last page. */
export function pageOf<const TItem extends v.GenericSchema>(
  item: TItem,
): v.ObjectSchema<
  {
    readonly items: v.ArraySchema<TItem, undefined>;
    readonly nextCursor: v.NullableSchema<v.StringSchema<undefined>, undefined>;
  },
  undefined
> {
  return v.object({ items: v.array(item), nextCursor: v.nullable(v.string()) });
}
