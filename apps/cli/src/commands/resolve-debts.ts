import { createApi, type Api, type ApiAnswer } from '../api-client.ts';
import { debtPageSchema, type DebtAnswer, type DebtPageAnswer } from '../api-schemas.ts';
import { CliError } from '../errors.ts';
import { apiOptions, SHARED_OPTIONS } from '../options.ts';
import { renderDebts } from '../render-debts.ts';
import type { Command } from './command.ts';

/** `heliograph resolve-debts`. */
export const resolveDebtsCommand: Command = {
  register: (parser, terminal) =>
    parser.command(
      'resolve-debts',
      'List what is open outside although it is over',
      (debts) =>
        debts.options({
          ...SHARED_OPTIONS,
          limit: { type: 'number', default: 200, requiresArg: true, describe: 'How many are listed at most' },
        }),
      async ({ limit, ...shared }) => {
        if (!Number.isInteger(limit) || limit < 1) {
          throw new CliError('CLI_USAGE', '--limit: expected a whole number of at least 1');
        }
        const { items, more } = await listDebts(createApi(apiOptions(shared, terminal)), limit);
        terminal.out(
          shared.json
            ? `${JSON.stringify({ items, nextCursor: more })}\n`
            : renderDebts(items, more !== null, terminal),
        );
      },
    ),
};

const PAGE_SIZE = '200';

/** Follows the pages, of which each may hold few or none. */
async function listDebts(
  api: Api,
  limit: number,
): Promise<{ readonly items: readonly DebtAnswer[]; readonly more: string | null }> {
  const items: DebtAnswer[] = [];
  let cursor: string | null = null;
  do {
    const { value }: ApiAnswer<DebtPageAnswer> = await api.get(
      'api/v1/resolve-debts',
      { limit: PAGE_SIZE, cursor: cursor ?? undefined },
      debtPageSchema,
    );
    items.push(...value.items);
    // A cursor that stays would never end.
    if (value.nextCursor !== null && value.nextCursor === cursor) {
      throw new CliError('CLI_API_NOT_UNDERSTOOD', 'the API gave the same page twice');
    }
    cursor = value.nextCursor;
  } while (cursor !== null && items.length < limit);
  return { items, more: cursor };
}
