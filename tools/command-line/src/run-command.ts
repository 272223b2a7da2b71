import {
  formatUsage,
  parseCommand,
  type Command,
  type CommandOptions,
  type CommandValues,
} from './command.ts';

/** What a command is run with. */
export interface CommandRun<O extends CommandOptions> {
  readonly positionals: readonly string[];
  readonly values: CommandValues<O>;
}

/**
 * Parses the arguments of this process and runs the command, whose number becomes the exit code. `--help` prints the
 * usage and exits with 0; wrong arguments print one line to standard error and exit with 2; an error of the command
 * prints its message and exits with 1.
 */
export async function runCommand<const O extends CommandOptions>(
  command: Command<O>,
  run: (given: CommandRun<O>) => Promise<number>,
): Promise<void> {
  const parsed = parseCommand(command, process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(`${formatUsage(command)}\n`);
  } else if (parsed.kind === 'wrong') {
    process.stderr.write(`${parsed.problem}. Try: ${command.invocation} --help\n`);
    process.exitCode = 2;
  } else {
    try {
      process.exitCode = await run(parsed);
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}
