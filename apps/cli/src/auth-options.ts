import type { AuthClient } from '@heliograph/auth-api';
import { AUTH } from './api.ts';
import { askApi } from './connect.ts';
import { CliError } from './errors.ts';
import { apiOptions, type SharedArguments } from './options.ts';
import type { Terminal } from './terminal.ts';

const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;

/** Options that several commands about keys, members and roles have. */
export const authOptions = {
  tenant: text('The tenant; default: that of the key that asks'),
  scopes: text('Scopes with commas between them, such as routes:read,routes:write'),
  roles: text('Names of roles with commas between them'),
  issuer: text('`iss` of their tokens, character by character'),
  limit: { type: 'number', default: 200, requiresArg: true, describe: 'How many to list at most' },
} as const;

/** Splits a list with commas. `@throws {CliError}` CLI_USAGE for one without items */
export function parseList(option: string, given: string): string[] {
  const items = given
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length === 0)
    throw new CliError('CLI_USAGE', `${option}: expected names with commas between them`);
  return items;
}

/** `@throws {CliError}` CLI_USAGE */
export function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1)
    throw new CliError('CLI_USAGE', '--limit: expected a whole number of at least 1');
}

/** `@throws {CliError}` CLI_USAGE for an argument that is empty */
export function checkArgument(name: string, given: string): void {
  if (given.trim() === '') throw new CliError('CLI_USAGE', `${name}: expected at least one character`);
}

/** Asks the API of keys, members and roles. `@throws {CliError}` */
export function askAuth<T>(
  shared: SharedArguments,
  terminal: Terminal,
  scope: string,
  ask: (client: AuthClient) => Promise<T>,
): Promise<T> {
  return askApi({ api: AUTH, options: apiOptions(AUTH, shared, terminal), scope }, ask);
}
