#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { USAGE, parseStartArguments } from '../src/start/start-arguments.ts';
import { start } from '../src/start/start.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

// A reader that went away (`npm start | head`) must not end us half-way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** @returns the exit code */
async function main(): Promise<number> {
  const parsed = parseStartArguments(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(`unknown argument ${parsed.argument}; try npm start -- --help\n`);
    return 2;
  }
  return start(root, parsed);
}

process.exitCode = await main();
// Whatever an app left open must not keep a stopped `npm start` alive.
setTimeout(() => process.exit(), 2000).unref();
