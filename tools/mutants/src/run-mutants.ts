import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stryker } from '@stryker-mutator/core';
import type { MutantOutcome } from './summarize-mutants.ts';

/** What to mutate, and how. */
export interface MutantsOptions {
  /** The folder of the package, with its `stryker.config.json`. */
  readonly folder: string;
  /** The folder of the reports. */
  readonly reports: string;
  /** The folder of `jest.config.js`. */
  readonly root: string;
  /** How many test processes run at once. */
  readonly concurrency: number;
  /** Globs in place of `mutate` in the package's configuration; `src/a.ts:1-9` is a range of lines. */
  readonly mutate: readonly string[] | undefined;
  /** Globs of the test files that run, relative to the package. Default all unit tests. */
  readonly tests: readonly string[] | undefined;
  /** Whether the results that an earlier run left, also one that was interrupted, are kept where they still hold. */
  readonly isContinued: boolean;
}

/**
 * Changes the source of a package, one small change at a time, and runs its unit tests on each. Works on a copy, in
 * `.stryker-tmp` of the package. Sets the exit code 1 if the score is below `thresholds.break` of the configuration.
 * A continued run tests a mutant again if its code, or a test that runs it, is another; not if what the code imports is.
 */
export async function runMutants(options: MutantsOptions): Promise<readonly MutantOutcome[]> {
  const { folder, reports, root, concurrency, mutate, tests, isContinued } = options;
  const { default: jestConfig }: { readonly default: Readonly<Record<string, unknown>> } = await import(
    join(root, 'jest.config.js')
  );
  const incrementalFile = join(reports, 'results.json');
  if (!isContinued) await rm(incrementalFile, { force: true });
  process.chdir(folder);
  const stryker = new Stryker({
    plugins: [fileURLToPath(import.meta.resolve('@stryker-mutator/jest-runner'))],
    testRunner: 'jest',
    jest: {
      projectType: 'custom',
      config: {
        ...jestConfig,
        // The working directory, which is the copy.
        rootDir: '.',
        setupFiles: [fileURLToPath(new URL('stop-at-first-failure.ts', import.meta.url))],
        ...(tests === undefined ? {} : { testMatch: tests.map((glob) => `<rootDir>/${glob}`) }),
      },
    },
    testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    coverageAnalysis: 'perTest',
    concurrency,
    incremental: true,
    incrementalFile,
    // On a busy machine, a test that is merely late would count as one that noticed.
    timeoutMS: 20_000,
    ignorePatterns: ['dist', 'bundle', '.results.*.json'],
    reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
    clearTextReporter: { allowColor: false, reportTests: false, reportScoreTable: false, logTests: false },
    jsonReporter: { fileName: join(reports, 'mutants.json') },
    htmlReporter: { fileName: join(reports, 'mutants.html') },
    allowConsoleColors: false,
    ...(mutate === undefined ? {} : { mutate: [...mutate] }),
  });
  return stryker.runMutationTest();
}
