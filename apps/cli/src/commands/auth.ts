import { registerKeys } from './auth-keys.ts';
import { registerMembers } from './auth-members.ts';
import { registerRoles } from './auth-roles.ts';
import type { Command } from './command.ts';

/** `heliograph auth keys`, `heliograph auth members` and `heliograph auth roles`. */
export const authCommand: Command = {
  register: (parser, terminal) =>
    parser.command('auth', 'Manage API keys, members and roles', (group) =>
      registerRoles(registerMembers(registerKeys(group, terminal), terminal), terminal).demandCommand(
        1,
        'auth: expected keys, members or roles',
      ),
    ),
};
