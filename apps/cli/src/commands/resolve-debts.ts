import type { AnswerTo, DispatchClient } from '@heliograph/dispatch-api';
import { DISPATCH_CENTER } from '../api.ts';
import { askApi } from '../connect.ts';
import { CliError } from '../errors.ts';
import { apiOptions, sharedOptions } from '../options.ts';
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
          ...sharedOptions(DISPATCH_CENTER),
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
        const { items, more } = await askApi(
          {
            api: DISPATCH_CENTER,
            options: apiOptions(DISPATCH_CENTER, shared, terminal),
            scope: 'explain:read',
          },
          (client) => listDebts(client, limit),
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

/**
 * Follows the pages, each of which may hold few or none. A page that holds more than is still wanted is asked for again
 * in smaller parts, so that `more` goes on right after the last item.
 */
async function listDebts(
  client: DispatchClient,
  limit: number,
): Promise<{ readonly items: DebtPage['items']; readonly more: string | null }> {
  const items: DebtPage['items'][number][] = [];
  let cursor: string | null = null;
  let isNarrow = false;
  for (;;) {
    const wanted = limit - items.length;
    const pageSize = isNarrow ? Math.min(wanted, PAGE_SIZE) : PAGE_SIZE;
    const { body }: { readonly body: DebtPage } = await client.listResolveDebts({
      query: { limit: pageSize, cursor: cursor ?? undefined },
    });
    if (body.items.length > pageSize)
      throw notUnderstood('the API returned a larger page than it was asked for');
    if (body.items.length > wanted) {
      isNarrow = true;
      continue;
    }
    items.push(...body.items);
    if (body.nextCursor === null || items.length === limit) return { items, more: body.nextCursor };
    // A cursor that stays the same would never end.
    if (body.nextCursor === cursor) throw notUnderstood('the API returned the same page twice');
    cursor = body.nextCursor;
  }
}

function notUnderstood(message: string): CliError {
  return new CliError('CLI_API_NOT_UNDERSTOOD', message);
}
