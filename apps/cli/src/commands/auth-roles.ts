import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions, checkArgument, checkLimit, parseList } from '../auth-options.ts';
import { CliError } from '../errors.ts';
import { followPages } from '../follow-pages.ts';
import { sharedOptions } from '../options.ts';
import { renderRoles } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

const name = { type: 'string', demandOption: true, describe: 'The name of the role' } as const;

/** `heliograph auth roles list|set|remove`. */
export function registerRoles(group: Argv, terminal: Terminal): Argv {
  return group.command('roles', 'Manage roles, which are named sets of scopes', (roles) =>
    registerRemove(registerSet(registerList(roles, terminal), terminal), terminal).demandCommand(
      1,
      'auth roles: expected list, set or remove',
    ),
  );
}

function registerList(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'list',
    'List the roles of a tenant',
    (list) => list.options({ ...sharedOptions(AUTH), tenant: authOptions.tenant, limit: authOptions.limit }),
    async ({ tenant, limit, ...shared }) => {
      checkLimit(limit);
      const found = await askAuth(shared, terminal, 'auth:roles:read', (client) =>
        followPages(limit, async (page) => (await client.listRoles({ query: { ...page, tenant } })).body),
      );
      terminal.out(shared.json ? `${JSON.stringify(found)}\n` : renderRoles(found, terminal));
    },
  );
}

function registerSet(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'set <name>',
    'Create a role, or replace its scopes',
    (set) =>
      set
        .positional('name', name)
        .options({
          ...sharedOptions(AUTH),
          scopes: authOptions.scopes,
          'without-scopes': {
            type: 'boolean',
            conflicts: 'scopes',
            describe: 'A role for policies that decide by its name only',
          },
          tenant: authOptions.tenant,
        })
        .example('$0 auth roles set reader --scopes routes:read,explain:read', 'what readers may do'),
    async ({ name: role, scopes, withoutScopes, tenant, ...shared }) => {
      checkArgument('NAME', role);
      if (scopes === undefined && withoutScopes !== true)
        throw new CliError('CLI_USAGE', 'expected --scopes, or --without-scopes for a role without any');
      const body = { scopes: scopes === undefined ? [] : parseList('--scopes', scopes) };
      const { body: saved } = await askAuth(shared, terminal, 'auth:roles:write', (client) =>
        client.putRole({ params: { name: role }, query: { tenant }, body }),
      );
      terminal.out(
        shared.json
          ? `${JSON.stringify(saved)}\n`
          : renderRoles({ items: [saved], hasMore: false }, terminal),
      );
    },
  );
}

function registerRemove(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'remove <name>',
    'Remove a role that no member has',
    (remove) =>
      remove.positional('name', name).options({ ...sharedOptions(AUTH), tenant: authOptions.tenant }),
    async ({ name: role, tenant, ...shared }) => {
      checkArgument('NAME', role);
      await askAuth(shared, terminal, 'auth:roles:write', (client) =>
        client.removeRole({ params: { name: role }, query: { tenant } }),
      );
      terminal.out(shared.json ? `${JSON.stringify({ name: role })}\n` : `Role ${role} is removed.\n`);
    },
  );
}
