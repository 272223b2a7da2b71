import { join } from 'node:path';
import { type BuildContext, goInstall } from './go-install.ts';
import { downloadTemporalCli } from './temporal-download.ts';
import { CLI_VERSION } from './temporal-release.ts';
import { cacheDirectory } from './temporal-resolver.ts';

/** The Temporal CLI with which tests read and write workflows; later releases refuse `go install`. */
const BUILT_CLI = '1.5.1';

/**
 * Provides the Temporal CLI as a client, whatever server it contains: built by Go into the user's cache, or where that is
 * not possible, the download that the stack uses.
 *
 * @throws {Error} if neither is possible.
 */
export async function provideTemporalCli(context: BuildContext): Promise<string> {
  const folder = join(cacheDirectory(context.environment), 'temporal-cli');
  const program = {
    what: `Temporal CLI ${BUILT_CLI}`,
    source: `github.com/temporalio/cli/cmd/temporal@v${BUILT_CLI}`,
  };
  try {
    return await goInstall(program, join(folder, BUILT_CLI, 'temporal'), context);
  } catch (error) {
    context.signal.throwIfAborted();
    context.print(`${program.what} cannot be built: ${error instanceof Error ? error.message : 'unknown'}`);
    return downloadTemporalCli(join(folder, CLI_VERSION, 'temporal'), context);
  }
}
