import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions } from '../auth-options.ts';
import { sharedOptions } from '../options.ts';
import { renderCounts } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

/** `heliograph auth counts` and `heliograph auth clean-up`. */
export function registerMaintenance(group: Argv, terminal: Terminal): Argv {
  return group
    .command(
      'counts',
      'Count keys, members, roles, logins and nonces',
      (counts) => counts.options({ ...sharedOptions(AUTH), tenant: authOptions.tenant }),
      async ({ tenant, ...shared }) => {
        const { body } = await askAuth(shared, terminal, 'auth:maintenance:read', (client) =>
          client.readCounts({ query: { tenant } }),
        );
        terminal.out(shared.json ? `${JSON.stringify(body)}\n` : renderCounts(body, terminal));
      },
    )
    .command(
      'clean-up',
      'Remove what has expired now; every process does so by itself every ten minutes',
      (cleanUp) => cleanUp.options(sharedOptions(AUTH)),
      async (shared) => {
        const { body } = await askAuth(shared, terminal, 'auth:maintenance:write', (client) =>
          client.cleanUp({}),
        );
        const { keys, logins, nonces, hasMore } = body;
        terminal.out(
          shared.json
            ? `${JSON.stringify(body)}\n`
            : `Removed keys: ${keys}, logins: ${logins}, nonces: ${nonces}.\n${hasMore ? 'There are more. Run it again to remove them.\n' : ''}`,
        );
      },
    );
}
