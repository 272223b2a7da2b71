import type { AnswerTo, DispatchClient } from '@heliograph/dispatch-api';
import { askApi } from '../connect.ts';
import { CliError } from '../errors.ts';
import { apiOptions, SHARED_OPTIONS } from '../options.ts';
import { renderDebts } from '../render-debts.ts';
import type { Command } from './command.ts';

/** `heliograph resolve-debts`. */
export const resolveDebtsCommand: Command = {
  register: (parser, terminal) =>
    parser.command(
      'resolve-debts',
      'List incidents that are still open at the provider although their alerts have resolved',
      (debts) =>
        debts.options({
          ...SHARED_OPTIONS,
          limit: {
            type: 'number',
            default: 200,
            requiresArg: true,
            describe: 'How many incidents to list at most',
          },
        }),
      async ({ limit, ...shared }) => {
        if (!Number.isInteger(limit) || limit < 1) {
          throw new CliError('CLI_USAGE', '--limit: expected a whole number of at least 1');
        }
        const { items, more } = await askApi(apiOptions(shared, terminal), (client) =>
          listDebts(client, limit),
        );
        terminal.out(
          shared.json
            ? `${JSON.stringify({ items, nextCursor: more })}\n`
            : renderDebts(items, more !== null, terminal),
        );
      },
    ),
};

const PAGE_SIZE = 200;

type DebtPage = AnswerTo<'listResolveDebts'>['body'];

/** Follows the pages, of which each may hold few or none. */
async function listDebts(
  client: DispatchClient,
  limit: number,
): Promise<{ readonly items: DebtPage['items']; readonly more: string | null }> {
  const items: DebtPage['items'][number][] = [];
  let cursor: string | null = null;
  do {
    const { body }: { readonly body: DebtPage } = await client.listResolveDebts({
      query: { limit: PAGE_SIZE, cursor: cursor ?? undefined },
    });
    items.push(...body.items);
    // A cursor that stays the same would never end.
    if (body.nextCursor !== null && body.nextCursor === cursor) {
      throw new CliError('CLI_API_NOT_UNDERSTOOD', 'the API returned the same page twice');
    }
    cursor = body.nextCursor;
  } while (cursor !== null && items.length < limit);
  return { items, more: cursor };
}
