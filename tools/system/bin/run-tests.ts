// The target `system`: provides what the suites need, says which ones cannot run without it, and runs the others.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { exitCodeOf } from '../src/exit-code-of.ts';
import { findMissingNeeds } from '../src/find-missing-needs.ts';
import { NEEDS } from '../src/needs.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const missing = await findMissingNeeds(NEEDS);
for (const { line } of missing) console.log(line);
const args = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  '../../node_modules/jest/bin/jest.js',
  '--config=../../jest.config.js',
  '--rootDir=.',
  '--testMatch=<rootDir>/src/**/*.system.test.ts',
  '--testTimeout=180000',
  '--maxWorkers=1',
  '--passWithNoTests',
  '--json',
  '--outputFile=.results.system.json',
  ...missing.map(({ suite }) => `--testPathIgnorePatterns=/${suite}\\.system\\.test\\.ts$`),
  ...process.argv.slice(2),
];
const { status } = spawnSync(process.execPath, args, { cwd: project, stdio: 'inherit' });
process.exitCode = exitCodeOf({ status, missing: missing.length, env: process.env });
