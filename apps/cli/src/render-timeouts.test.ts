import { readFileSync } from 'node:fs';
import { ACTIVITY_CLASSES, ERROR_TABLE, WORKFLOW_CLASSES } from '@heliograph/temporal-worker/policies';
import { expect, test } from '@jest/globals';
import { activityRows, workflowRows } from './render-timeouts.ts';

const page = readFileSync(new URL('../../../docs/operations/timeouts.md', import.meta.url), 'utf8');
const lines = new Set(page.split('\n').map(normalize));

/** A line of a table, whatever its columns are padded to. */
function normalize(line: string): string {
  return line.replaceAll(/\s+/g, ' ').trim();
}

test.each([
  ...Object.values(ACTIVITY_CLASSES).map((policy) => [policy.name, activityRows(policy)] as const),
  ...Object.values(WORKFLOW_CLASSES).map((policy) => [policy.name, workflowRows(policy)] as const),
])('the documentation of %s has its values and reasons', (_, rows) => {
  for (const [field, value, because] of rows) expect(lines).toContain(`| ${field} | ${value} | ${because} |`);
});

test('the documentation has the table of errors', () => {
  for (const { type, isRetryable, meaning, because } of ERROR_TABLE)
    expect(lines).toContain(`| \`${type}\` | ${isRetryable ? 'yes' : 'no'} | ${meaning} | ${because} |`);
});
