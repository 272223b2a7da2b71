import type { Argv } from 'yargs';
import type { Terminal } from '../terminal.ts';

/** A command or a group of commands: one file each, listed in `commands/index.ts`. */
export interface Command {
  /** Adds it to a parser on which the shared options are declared. */
  register(parser: Argv, terminal: Terminal): Argv;
}
