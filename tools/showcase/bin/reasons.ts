import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { EXPLAINED_REASONS } from '@heliograph/dispatch-workflows/explain';
import { buildApps } from '@heliograph/stack';
import { showReasons } from '../src/show-reasons.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const command = {
  invocation: 'npm run reasons --',
  summary: 'Plays a situation for every reason, on the real API and worker, and prints its explanation.',
  positionals: { name: 'REASON', choices: EXPLAINED_REASONS, count: 'any' },
  options: {},
} as const;

await runCommand(command, async ({ positionals }) => {
  await buildApps(root, ['@heliograph/cli', '@heliograph/dispatch-center']);
  const isComplete = await showReasons({ root, wanted: positionals, print: (line) => console.log(line) });
  return isComplete ? 0 : 1;
});
