import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions, checkArgument } from '../auth-options.ts';
import { sharedOptions } from '../options.ts';
import { renderCounts } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

/** `heliograph auth counts`, `heliograph auth clean-up` and `heliograph auth nonces revoke`. */
export function registerMaintenance(group: Argv, terminal: Terminal): Argv {
  return group
    .command('nonces', 'Revoke nonces', (nonces) =>
      nonces
        .command(
          'revoke <purpose>',
          'Let every nonce of a purpose that was not used expire now',
          (revoke) =>
            revoke
              .positional('purpose', {
                type: 'string',
                demandOption: true,
                describe: 'The purpose, from the counts, such as invitation',
              })
              .options(sharedOptions(AUTH)),
          async ({ purpose, ...shared }) => {
            checkArgument('PURPOSE', purpose);
            const { body } = await askAuth(shared, terminal, 'auth:nonces:write', (client) =>
              client.revokeNonces({ query: { purpose } }),
            );
            terminal.out(
              shared.json
                ? `${JSON.stringify(body)}\n`
                : `${body.revoked} ${body.revoked === 1 ? 'nonce' : 'nonces'} for ${purpose} revoked.\n`,
            );
          },
        )
        .demandCommand(1, 'auth nonces: expected revoke'),
    )
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
