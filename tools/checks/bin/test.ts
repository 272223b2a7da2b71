// npm test: runs every check, and prints one line with the sums of all test runs.
import { fileURLToPath } from 'node:url';
import { ensureFloorNode } from '../src/floor-node.ts';
import { runChecks, stepsOf } from '../src/run-checks.ts';
import { parseTestArguments, USAGE } from '../src/test-arguments.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const options = parseTestArguments(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`npm test: ${options}; ${USAGE}`);
  process.exitCode = 2;
} else if (options.kind === 'help') {
  console.log(USAGE);
} else {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
  try {
    const edges = { print: console.log, signal: stop.signal };
    const node = options.onFloor ? await ensureFloorNode(edges) : process.execPath;
    const { passed, failed, skipped } = await runChecks(root, stepsOf(root, options, node), edges);
    if (skipped > 0) console.log(`${skipped} skipped`);
    process.exitCode = failed > 0 || skipped > 0 || stop.signal.aborted ? 1 : 0;
    console.log(`${passed} passed, ${failed} failed`);
  } catch (error) {
    console.error(`npm test: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
