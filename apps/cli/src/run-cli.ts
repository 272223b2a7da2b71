import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { COMMANDS } from './commands/index.ts';
import { CliError, EXIT } from './errors.ts';
import { printable } from './layout.ts';
import { refuseDoubtfulFlags, refuseTypedKey } from './options.ts';
import type { Terminal } from './terminal.ts';

const WIDTH = 100;
const NOT_UNDERSTOOD = 'the command line cannot be parsed';

/** Runs one command line; resolves to the exit code. Nothing is thrown, and what fails is one line on stderr. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    refuseTypedKey(args);
    refuseDoubtfulFlags(args);
    const output = await parse(args, terminal);
    if (output !== '') terminal.out(`${output}\n`);
    return EXIT.answered;
  } catch (error) {
    const known = error instanceof CliError;
    const message = known ? error.message : 'unexpected error; set HELIOGRAPH_DEBUG=1 to see its stack';
    terminal.err(`heliograph: ${printable(message)}\n`);
    if (!known && (terminal.env['HELIOGRAPH_DEBUG'] ?? '') !== '' && error instanceof Error) {
      terminal.err(`${error.stack ?? error.message}\n`);
    }
    return known ? error.exitCode : EXIT.failed;
  }
}

/** Parses and runs; resolves to what the parser itself prints: help, version, completion. */
async function parse(args: readonly string[], terminal: Terminal): Promise<string> {
  let parser = yargs()
    .scriptName('heliograph')
    .usage(
      '$0 COMMAND\n\nExplains what the Dispatch Center decided, manages keys, members and encrypted payloads, and rolls out builds.',
    )
    .locale('en')
    .version(version())
    .parserConfiguration({
      'boolean-negation': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
    })
    .wrap(Math.min(WIDTH, terminal.columns ?? WIDTH))
    .exitProcess(false)
    .showHelpOnFail(false)
    .strict()
    .recommendCommands()
    .demandCommand(1, 'expected a command; heliograph --help lists them')
    .fail((message: string | null, error: Error | undefined) => {
      // What a handler throws comes without a message; the parser's own errors have one.
      if (message === null || message === '') throw error ?? new CliError('CLI_USAGE', NOT_UNDERSTOOD);
      throw new CliError('CLI_USAGE', message, { cause: error });
    })
    .completion('completion', 'Print a completion script for bash, or for zsh if SHELL is zsh')
    .epilogue(
      'The API key comes from HELIOGRAPH_API_KEY or --api-key-file, never from the command line.\n' +
        'Exit codes: 0 answered, 1 failed, 2 invalid usage, 3 no issue with this fingerprint, ' +
        '4 the audit log is not intact, something is still needed, a rollout is refused, or histories do not fit the code.',
    );
  for (const command of COMMANDS) parser = command.register(parser, terminal);
  let printed = '';
  await parser.parseAsync([...args], {}, (error, _argv, output) => {
    printed = output;
    if (error !== undefined && error !== null) throw error;
  });
  return printed;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0.0.0';
}
