import { runCli } from './run-cli.ts';
import { processTerminal } from './terminal.ts';

/** Runs the command line of this process. */
export async function main(): Promise<void> {
  // Set, not called: what is still being written to a pipe would be lost.
  process.exitCode = await runCli(process.argv.slice(2), processTerminal());
}
