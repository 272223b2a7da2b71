import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions, checkArgument, checkLimit, parseList } from '../auth-options.ts';
import { CliError } from '../errors.ts';
import { followPages } from '../follow-pages.ts';
import { reserveKeyFile } from '../key-file.ts';
import { sharedOptions } from '../options.ts';
import { parseInstant } from '../parse-instant.ts';
import { renderCreatedKey, renderKeys } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

/** `heliograph auth keys create|list|revoke`. */
export function registerKeys(group: Argv, terminal: Terminal): Argv {
  return group.command('keys', 'Manage API keys', (keys) =>
    registerRevoke(registerList(registerCreate(keys, terminal), terminal), terminal).demandCommand(
      1,
      'auth keys: expected create, list or revoke',
    ),
  );
}

function registerCreate(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'create <name>',
    'Create a key, and show it this once',
    (create) =>
      create
        .positional('name', { type: 'string', demandOption: true, describe: 'What the key is for' })
        .options({
          ...sharedOptions(AUTH),
          scopes: { ...authOptions.scopes, demandOption: true },
          roles: authOptions.roles,
          tenant: authOptions.tenant,
          'expires-in': {
            type: 'string',
            requiresArg: true,
            describe: 'How long the key is good for, such as 12h or 90d; default: until it is revoked',
          },
          'expires-at': {
            type: 'string',
            requiresArg: true,
            conflicts: 'expires-in',
            describe: 'When the key expires, such as 2026-12-31T00:00:00Z',
          },
          'to-file': {
            type: 'string',
            requiresArg: true,
            normalize: true,
            describe: 'Write the key into this new file, for its owner alone, instead of showing it',
          },
        })
        .example(
          '$0 auth keys create ci --scopes issues:write --expires-in 90d --to-file ci.key',
          'a key for a pipeline',
        ),
    async ({ name, scopes, roles, tenant, expiresIn, expiresAt, toFile, ...shared }) => {
      checkArgument('NAME', name);
      const body = {
        name,
        scopes: parseList('--scopes', scopes),
        ...(roles === undefined ? {} : { roles: parseList('--roles', roles) }),
        ...(tenant === undefined ? {} : { tenant }),
        expiresAt: expiryOf(expiresIn, expiresAt),
      };
      // Before the key exists: one that nobody has seen would be of no use.
      const file = toFile === undefined ? null : reserveKeyFile(toFile);
      try {
        const { body: created } = await askAuth(shared, terminal, 'auth:keys:write', (client) =>
          client.createKey({ body }),
        );
        file?.write(created.key);
        const { key, ...rest } = created;
        const shown = file === null ? created : rest;
        terminal.out(
          shared.json
            ? `${JSON.stringify(shown)}\n`
            : renderCreatedKey(rest, file === null ? key : null, toFile ?? null, terminal),
        );
      } finally {
        file?.close();
      }
    },
  );
}

function registerList(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'list',
    'List keys, those that are expired or revoked included',
    (list) =>
      list.options({
        ...sharedOptions(AUTH),
        tenant: authOptions.tenant,
        'created-by': {
          type: 'string',
          requiresArg: true,
          describe: 'Keys that this caller made: key:ID for those of a key',
        },
        limit: authOptions.limit,
      }),
    async ({ tenant, createdBy, limit, ...shared }) => {
      checkLimit(limit);
      const found = await askAuth(shared, terminal, 'auth:keys:read', (client) =>
        followPages(
          limit,
          async (page) => (await client.listKeys({ query: { ...page, tenant, createdBy } })).body,
        ),
      );
      terminal.out(shared.json ? `${JSON.stringify(found)}\n` : renderKeys(found, terminal));
    },
  );
}

function registerRevoke(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'revoke <id>',
    'Revoke a key for good, and end its logins; it is refused everywhere within 5 s',
    (revoke) =>
      revoke
        .positional('id', {
          type: 'string',
          demandOption: true,
          describe: 'The id of the key, from the list',
        })
        .options(sharedOptions(AUTH)),
    async ({ id, ...shared }) => {
      checkArgument('ID', id);
      await askAuth(shared, terminal, 'auth:keys:write', (client) => client.revokeKey({ params: { id } }));
      terminal.out(shared.json ? `${JSON.stringify({ id })}\n` : `Key ${id} is revoked.\n`);
    },
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function expiryOf(lifetime: string | undefined, instant: string | undefined): string | null {
  if (instant !== undefined) return parseInstant('--expires-at', instant);
  if (lifetime === undefined) return null;
  const [, count = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(lifetime) ?? [];
  const lifetimeMs = Number(count) * (UNIT_MS[unit] ?? 0);
  if (lifetimeMs === 0)
    throw new CliError('CLI_USAGE', '--expires-in: expected a number with m, h or d, such as 90d');
  return new Date(Date.now() + lifetimeMs).toISOString();
}
