#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

// A reader that went away (`npm start | head`) must not end us half-way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const command = {
  invocation: 'npm start --',
  summary: `Starts the embedded servers, the apps and a demo, and runs until Ctrl-C. With "stack", only the servers.

Variables: HELIOGRAPH_DIRECTORY (state, default .heliograph), HELIOGRAPH_<NAME>_PORT (POSTGRES, CLICKHOUSE, TEMPORAL and
those of the apps), OTEL_EXPORTER_OTLP_ENDPOINT (your own collector), TEMPORAL_CLI_PATH, HELIOGRAPH_CACHE,
HELIOGRAPH_NO_DOWNLOAD=1. More: docs/operations/embedded-stack.md`,
  positionals: { name: 'PART', choices: ['stack'], count: 'any' },
  options: {
    'no-demo': { kind: 'flag', help: 'Leave out the demo.' },
    fresh: { kind: 'flag', help: 'Delete the state first.' },
  },
} as const;

await runCommand(command, async ({ positionals, values }) => {
  // Only now, because --help has to work before anything is installed.
  const { start } = await import('../src/start/start.ts');
  const withApps = !positionals.includes('stack');
  const withDemo = withApps && !values['no-demo'];
  return start(root, { withApps, withDemo, isFresh: values.fresh });
});
// Whatever an app left open must not keep a stopped `npm start` alive.
setTimeout(() => process.exit(), 2000).unref();
