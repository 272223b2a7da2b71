import { provideTemporalCli } from '@heliograph/stack';
import type { Need } from './find-missing-needs.ts';
import { providePython } from './provide-python.ts';

/** Go builds for minutes on a machine that has never built it. */
const BUILD_TIMEOUT_MS = 900_000;

const PYTHON = 'CPython 3.11 or newer with venv';

/** What the suites need that is no npm package. */
export const NEEDS: readonly Need[] = [
  {
    what: 'the Temporal CLI',
    suites: ['claims', 'temporal-cli'],
    provide: () =>
      provideTemporalCli({
        environment: process.env,
        print: (line) => process.stderr.write(`${line}\n`),
        signal: AbortSignal.timeout(BUILD_TIMEOUT_MS),
      }),
  },
  { what: PYTHON, suites: ['python-client'], provide: () => providePython() },
  { what: PYTHON, suites: ['moto'], provide: () => providePython('moto.txt') },
];
