import type { AuthClient } from '@heliograph/auth-api';
import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions, checkArgument, checkLimit } from '../auth-options.ts';
import { CliError } from '../errors.ts';
import { findMember } from '../find-member.ts';
import { followPages } from '../follow-pages.ts';
import { sharedOptions } from '../options.ts';
import { renderLogins } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

/** Whose logins. */
const whose = {
  principal: {
    type: 'string',
    requiresArg: true,
    conflicts: ['subject', 'issuer'],
    describe: 'The id of the caller, as logs and audits name it: key:ID of a key',
  },
  subject: {
    type: 'string',
    requiresArg: true,
    describe: '`sub` of the tokens of a member',
  },
  issuer: { ...authOptions.issuer, implies: 'subject' },
  tenant: authOptions.tenant,
} as const;

/** `heliograph auth logins list|revoke|revoke-all`. */
export function registerLogins(group: Argv, terminal: Terminal): Argv {
  return group.command('logins', 'List and revoke logins, which refresh tokens continue', (logins) =>
    registerRevokeAll(registerRevoke(registerList(logins, terminal), terminal), terminal).demandCommand(
      1,
      'auth logins: expected list, revoke or revoke-all',
    ),
  );
}

function registerList(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'list',
    'List logins, those that are expired or revoked included',
    (list) =>
      list
        .options({ ...sharedOptions(AUTH), ...whose, limit: authOptions.limit })
        .example('$0 auth logins list --subject ada', 'where ada is logged in'),
    async ({ principal, subject, issuer, tenant, limit, ...shared }) => {
      checkLimit(limit);
      const found = await askAuth(shared, terminal, 'auth:logins:read', async (client) => {
        const id = await findPrincipal(client, { principal, subject, issuer, tenant });
        return followPages(
          limit,
          async (page) => (await client.listLogins({ query: { ...page, tenant, principal: id } })).body,
        );
      });
      terminal.out(shared.json ? `${JSON.stringify(found)}\n` : renderLogins(found, terminal));
    },
  );
}

function registerRevoke(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'revoke <id>',
    'Revoke a login for good; none of its tokens is exchanged any more',
    (revoke) =>
      revoke
        .positional('id', {
          type: 'string',
          demandOption: true,
          describe: 'The id of the login, from the list',
        })
        .options(sharedOptions(AUTH)),
    async ({ id, ...shared }) => {
      checkArgument('ID', id);
      await askAuth(shared, terminal, 'auth:logins:write', (client) =>
        client.revokeLogin({ params: { id } }),
      );
      terminal.out(shared.json ? `${JSON.stringify({ id })}\n` : `Login ${id} is revoked.\n`);
    },
  );
}

function registerRevokeAll(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'revoke-all',
    'Revoke every login of a caller',
    (revoke) =>
      revoke
        .options({ ...sharedOptions(AUTH), ...whose })
        .example('$0 auth logins revoke-all --subject ada', 'after a lost laptop'),
    async ({ principal, subject, issuer, tenant, ...shared }) => {
      if (principal === undefined && subject === undefined)
        throw new CliError('CLI_USAGE', 'expected --principal or --subject: whose logins to revoke');
      const done = await askAuth(shared, terminal, 'auth:logins:write', async (client) => {
        const id = await findPrincipal(client, { principal, subject, issuer, tenant });
        const { body } = await client.revokeLogins({ query: { principal: id ?? '', tenant } });
        return { principalId: id, ...body };
      });
      terminal.out(
        shared.json
          ? `${JSON.stringify(done)}\n`
          : `${done.revoked} ${done.revoked === 1 ? 'login' : 'logins'} of ${done.principalId} revoked.\n`,
      );
    },
  );
}

/** Finds out whose logins are meant; undefined for everybody's. `@throws {CliError}` for a subject that is no member */
async function findPrincipal(
  client: AuthClient,
  wanted: {
    readonly principal: string | undefined;
    readonly subject: string | undefined;
    readonly issuer: string | undefined;
    readonly tenant: string | undefined;
  },
): Promise<string | undefined> {
  const { principal, subject, issuer, tenant } = wanted;
  if (principal !== undefined) checkArgument('--principal', principal);
  if (subject === undefined) return principal;
  checkArgument('--subject', subject);
  const member = await findMember(client, { subject, issuer, tenant });
  if (member !== null) return member.principalId;
  throw new CliError(
    'CLI_API_REFUSED',
    `there is no member ${subject}; the logins of one that was removed have ended, and --principal lists them`,
  );
}
