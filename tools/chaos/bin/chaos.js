// npm run chaos -- NAME [--quick] …: builds, starts a stack of its own, breaks it, and checks what came out.
import { fileURLToPath } from 'node:url';
import { buildApps } from '@heliograph/stack';
import { parseChaosArguments, USAGE } from '../src/chaos-arguments.js';
import { runDispatchChaos } from '../src/dispatch/run-dispatch-chaos.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const PROJECTS = ['dispatch-center', 'dispatch-workflows', 'simulators'].map((name) => `@heliograph/${name}`);
const options = parseChaosArguments(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`chaos: ${options}; ${USAGE}`);
  process.exitCode = 2;
} else {
  try {
    await buildApps(root, PROJECTS);
    const passed = await runDispatchChaos({ ...options, root, print: console.log });
    process.exitCode = passed ? 0 : 1;
  } catch (error) {
    console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
