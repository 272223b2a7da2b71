// npm run boundaries: the layer, runtime and import rules over all packages; one line per violation.
import { fileURLToPath } from 'node:url';
import { runCommand } from '@heliograph/command-line';
import { checkWorkspace } from '../src/check-workspace.ts';
import { readGraphEdges } from '../src/nx-graph.ts';
import { readWorkspace } from '../src/read-workspace.ts';
import { formatViolation } from '../src/violation.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

const command = {
  invocation: 'npm run boundaries --',
  summary: 'Checks which package may import which: layers, runtimes, imports and cycles of all packages.',
  options: {},
} as const;

await runCommand(command, async () => {
  const workspace = readWorkspace(root, await readGraphEdges(root));
  const violations = checkWorkspace(workspace);
  for (const violation of violations) console.error(formatViolation(violation));
  const projects = [...workspace.projects.values()];
  const files = projects.reduce((sum, project) => sum + project.files.size, 0);
  const result = violations.length === 0 ? 'no violations' : `${violations.length} violations`;
  console.log(`boundaries: ${projects.length} packages, ${files} files, ${result}`);
  return violations.length === 0 ? 0 : 1;
});
