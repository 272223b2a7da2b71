// npm run reasons [-- REASON …]: builds, starts a stack of its own, and prints what heliograph explains of every reason.
import { fileURLToPath } from 'node:url';
import { buildApps } from '@heliograph/stack';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const PROJECTS = ['cli', 'dispatch-center', 'dispatch-workflows', 'simulators'].map(
  (name) => `@heliograph/${name}`,
);
const wanted = process.argv.slice(2);

try {
  await buildApps(root, PROJECTS);
  const { showReasons } = await import('../src/show-reasons.js');
  process.exitCode = await showReasons({ root, wanted, print: (line) => console.log(line) });
} catch (error) {
  console.error(`reasons: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
