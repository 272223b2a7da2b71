import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { clearResults, sumResults } from './test-results.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'results-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function leave(project: string, target: string, result: object) {
  const folder = join(root, project);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  const none = {
    numPassedTests: 0,
    numFailedTests: 0,
    numRuntimeErrorTestSuites: 0,
    numPendingTests: 0,
    numTodoTests: 0,
  };
  writeFileSync(join(folder, `.results.${target}.json`), JSON.stringify({ ...none, ...result }));
}

test('all runs of all projects are added up; a suite that could not run is a failure', () => {
  leave('packages/a', 'test', { numPassedTests: 3 });
  leave('packages/a', 'it', { numPassedTests: 2, numFailedTests: 1 });
  leave('tools/b', 'test', { numRuntimeErrorTestSuites: 1, numPendingTests: 1, numTodoTests: 1 });
  expect(sumResults(root)).toEqual({ passed: 5, failed: 2, skipped: 2 });
});

test('what an earlier run left is not counted', () => {
  leave('apps/c', 'test', { numPassedTests: 3 });
  clearResults(root);
  expect(sumResults(root)).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
