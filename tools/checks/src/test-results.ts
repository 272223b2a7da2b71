import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Where a test run of a project leaves its results; an Nx output, so that a cached run brings it back. */
const RESULT_FILE = /^\.results\..+\.json$/;
const GROUPS = ['packages', 'apps', 'tools'];

/** Every result file of the workspace. */
function resultFiles(root: string): readonly string[] {
  return GROUPS.map((group) => join(root, group))
    .filter((group) => existsSync(group))
    .flatMap((group) => readdirSync(group).map((project) => join(group, project)))
    .filter((project) => existsSync(join(project, 'package.json')))
    .flatMap((project) =>
      readdirSync(project)
        .filter((file) => RESULT_FILE.test(file))
        .map((file) => join(project, file)),
    );
}

/** Removes what earlier runs left, so that only this run is counted. */
export function clearResults(root: string) {
  for (const file of resultFiles(root)) rmSync(file);
}

/** Adds the results of all test runs up. A suite that could not run at all counts as one failure. */
export function sumResults(root: string): { passed: number; failed: number; skipped: number } {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const file of resultFiles(root)) {
    const result = JSON.parse(readFileSync(file, 'utf8'));
    sum.passed += result.numPassedTests;
    sum.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    sum.skipped += result.numPendingTests + result.numTodoTests;
  }
  return sum;
}
