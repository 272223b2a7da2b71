import { registerKeys } from './auth-keys.ts';
import { registerLogins } from './auth-logins.ts';
import { registerMaintenance } from './auth-maintenance.ts';
import { registerMembers } from './auth-members.ts';
import { registerRoles } from './auth-roles.ts';
import type { Command } from './command.ts';

/** `heliograph auth keys|members|roles|logins|nonces`, `heliograph auth counts` and `heliograph auth clean-up`. */
export const authCommand: Command = {
  register: (parser, terminal) =>
    parser.command('auth', 'Manage API keys, members, roles and logins', (group) =>
      [registerKeys, registerMembers, registerRoles, registerLogins, registerMaintenance]
        .reduce((commands, register) => register(commands, terminal), group)
        .demandCommand(1, 'auth: expected keys, members, roles, logins, nonces, counts or clean-up'),
    ),
};
