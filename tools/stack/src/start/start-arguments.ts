export type StartArguments =
  | { kind: 'start'; withApps: boolean; withDemo: boolean; isFresh: boolean }
  | { kind: 'help' }
  | { kind: 'wrong'; argument: string };

export const USAGE = `usage: npm start [-- [stack] [--no-demo] [--fresh] [--help]]

  stack      the servers alone, without apps
  --no-demo  without the demonstration
  --fresh    deletes the state first

Variables: HELIOGRAPH_DIRECTORY (state, default .heliograph), HELIOGRAPH_<NAME>_PORT (POSTGRES, CLICKHOUSE, TEMPORAL
and those of the apps), OTEL_EXPORTER_OTLP_ENDPOINT (a collector of your own), TEMPORAL_CLI_PATH, HELIOGRAPH_CACHE,
HELIOGRAPH_NO_DOWNLOAD=1.
More: docs/operations/embedded-stack.md
`;

/** Reads the arguments of `npm start`. */
export function parseStartArguments(argv: readonly string[]): StartArguments {
  const known = new Set(['stack', '--no-demo', '--fresh', '--help', '-h']);
  const wrong = argv.find((argument) => !known.has(argument));
  if (wrong !== undefined) return { kind: 'wrong', argument: wrong };
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help' };
  const withApps = !argv.includes('stack');
  return {
    kind: 'start',
    withApps,
    withDemo: withApps && !argv.includes('--no-demo'),
    isFresh: argv.includes('--fresh'),
  };
}
