import type { AnswerTo, AuthClient, MemberInput } from '@heliograph/auth-api';
import type { Argv } from 'yargs';
import { AUTH } from '../api.ts';
import { askAuth, authOptions, checkArgument, checkLimit, parseList } from '../auth-options.ts';
import { CliError } from '../errors.ts';
import { findMember } from '../find-member.ts';
import { followPages } from '../follow-pages.ts';
import { sharedOptions } from '../options.ts';
import { renderMembers } from '../render-auth.ts';
import type { Terminal } from '../terminal.ts';

type AnsweredMember = AnswerTo<'readMember'>['body'];

const subject = { type: 'string', demandOption: true, describe: '`sub` of their tokens' } as const;

/** `heliograph auth members list|set|remove`. */
export function registerMembers(group: Argv, terminal: Terminal): Argv {
  return group.command('members', 'Manage who belongs to a tenant, and their roles', (members) =>
    registerRemove(registerSet(registerList(members, terminal), terminal), terminal).demandCommand(
      1,
      'auth members: expected list, set or remove',
    ),
  );
}

function registerList(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'list',
    'List members and their roles',
    (list) =>
      list.options({
        ...sharedOptions(AUTH),
        tenant: authOptions.tenant,
        issuer: authOptions.issuer,
        subject: { ...subject, demandOption: false, requiresArg: true },
        limit: authOptions.limit,
      }),
    async ({ tenant, issuer: iss, subject: sub, limit, ...shared }) => {
      checkLimit(limit);
      const found = await askAuth(shared, terminal, 'auth:members:read', (client) =>
        followPages(
          limit,
          async (page) =>
            (await client.listMembers({ query: { ...page, tenant, issuer: iss, subject: sub } })).body,
        ),
      );
      terminal.out(shared.json ? `${JSON.stringify(found)}\n` : renderMembers(found, terminal));
    },
  );
}

function registerSet(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'set <subject>',
    'Make a subject a member with exactly these roles',
    (set) =>
      set
        .positional('subject', subject)
        .options({
          ...sharedOptions(AUTH),
          issuer: { ...authOptions.issuer, demandOption: true },
          roles: authOptions.roles,
          'without-roles': {
            type: 'boolean',
            conflicts: 'roles',
            describe: 'A member with the scopes and roles of its token only',
          },
          name: { type: 'string', requiresArg: true, describe: 'What people call the member' },
          tenant: authOptions.tenant,
        })
        .example(
          '$0 auth members set ada --issuer https://id.example.com/ --roles on-call,reader',
          'what ada may do',
        ),
    async ({ subject: sub, issuer: iss, roles, withoutRoles, name, tenant, ...shared }) => {
      checkArgument('SUBJECT', sub);
      if (roles === undefined && withoutRoles !== true)
        throw new CliError('CLI_USAGE', 'expected --roles, or --without-roles for a member without any');
      const given = roles === undefined ? [] : parseList('--roles', roles);
      const member = await askAuth(shared, terminal, 'auth:members:write', async (client) => {
        const created = await createMember(client, {
          issuer: iss,
          subject: sub,
          roles: given,
          ...(name === undefined ? {} : { name }),
          ...(tenant === undefined ? {} : { tenant }),
        });
        if (created !== null) return created;
        const known = await findMember(client, { issuer: iss, subject: sub, tenant });
        if (known === null)
          throw new CliError('CLI_API_FAILED', `${sub} was removed meanwhile; try again`, {
            retryable: true,
          });
        // A name that is not given stays.
        const body = { roles: given, name: name ?? known.name };
        return (await client.replaceMember({ params: { id: known.id }, body })).body;
      });
      terminal.out(
        shared.json
          ? `${JSON.stringify(member)}\n`
          : renderMembers({ items: [member], hasMore: false }, terminal),
      );
    },
  );
}

function registerRemove(group: Argv, terminal: Terminal): Argv {
  return group.command(
    'remove <subject>',
    'Remove a member and end its logins; what its token alone allows stays',
    (remove) =>
      remove
        .positional('subject', subject)
        .options({ ...sharedOptions(AUTH), issuer: authOptions.issuer, tenant: authOptions.tenant }),
    async ({ subject: sub, issuer: iss, tenant, ...shared }) => {
      checkArgument('SUBJECT', sub);
      const removed = await askAuth(shared, terminal, 'auth:members:write', async (client) => {
        const known = await findMember(client, { issuer: iss, subject: sub, tenant });
        if (known === null)
          throw new CliError(
            'CLI_API_REFUSED',
            `there is no member ${sub}${tenant === undefined ? '' : ` in the tenant ${tenant}`}`,
          );
        await client.removeMember({ params: { id: known.id } });
        return known;
      });
      terminal.out(
        shared.json
          ? `${JSON.stringify({ id: removed.id })}\n`
          : `${removed.subject} is no longer a member of ${removed.tenant}.\n`,
      );
    },
  );
}

/**
 * Creates a member; null if there is one already. Tried first, because only the API knows the tenant of a caller that names
 * none: a membership in another tenant must not be taken for it.
 */
async function createMember(client: AuthClient, body: MemberInput): Promise<AnsweredMember | null> {
  try {
    return (await client.createMember({ body })).body;
  } catch (error) {
    // By its code, because copies of a class differ.
    if (error instanceof Error && 'code' in error && error.code === 'AUTH_MEMBER_EXISTS') return null;
    throw error;
  }
}
