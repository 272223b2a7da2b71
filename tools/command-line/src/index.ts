export { runCommand } from './run-command.ts';
export type { Command, CommandValues } from './command.ts';
