import type { AnswerTo, AuthClient } from '@heliograph/auth-api';
import { CliError } from './errors.ts';

type AnsweredMember = AnswerTo<'readMember'>['body'];

/** Finds the one member that is meant; null if there is none. `@throws {CliError}` CLI_USAGE if it could be several */
export async function findMember(
  client: AuthClient,
  wanted: {
    readonly issuer: string | undefined;
    readonly subject: string;
    readonly tenant: string | undefined;
  },
): Promise<AnsweredMember | null> {
  const { body } = await client.listMembers({ query: { ...wanted, limit: 2 } });
  const [first, second] = body.items;
  if (first === undefined) return null;
  if (second !== undefined) {
    const [what, option] = first.tenant === second.tenant ? ['issuers', '--issuer'] : ['tenants', '--tenant'];
    throw new CliError(
      'CLI_USAGE',
      `${wanted.subject} is a member by several ${what}; name one with ${option}`,
    );
  }
  return first;
}
