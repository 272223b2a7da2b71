import { CliError } from './errors.ts';

/** A page of a list. */
interface ListPage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

const PAGE_SIZE = 200;

/** Reads a list to its end, or to `limit`; `hasMore` says that it goes on. `@throws {CliError}` CLI_API_NOT_UNDERSTOOD */
export async function followPages<T>(
  limit: number,
  read: (page: { readonly limit: number; readonly cursor: string | undefined }) => Promise<ListPage<T>>,
): Promise<{ readonly items: readonly T[]; readonly hasMore: boolean }> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (;;) {
    // One more than wanted only proves that there is more.
    const page = await read({ limit: Math.min(limit + 1 - items.length, PAGE_SIZE), cursor });
    items.push(...page.items);
    if (items.length > limit) return { items: items.slice(0, limit), hasMore: true };
    if (page.nextCursor === null) return { items, hasMore: false };
    // A cursor that stays the same would never end.
    if (page.nextCursor === cursor)
      throw new CliError('CLI_API_NOT_UNDERSTOOD', 'the API returned the same page twice');
    cursor = page.nextCursor;
  }
}
