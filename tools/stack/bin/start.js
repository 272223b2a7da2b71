#!/usr/bin/env node
// Until the dependencies are installed only Node's own modules can be imported.
import { fileURLToPath } from 'node:url';
import { messageOf } from '../src/errors.js';
import { ensureInstalled } from '../src/install.js';
import { USAGE, parseStartArguments } from '../src/start/start-arguments.js';

const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

// A reader that went away (`npm start | head`) must not end us half-way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** @returns {Promise<number>} the exit code */
async function main() {
  const parsed = parseStartArguments(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    process.stderr.write(`unknown argument ${parsed.argument}; try npm start -- --help\n`);
    return 2;
  }
  try {
    await ensureInstalled(root, { print: (line) => process.stdout.write(`${line}\n`) });
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
  const { start } = await import('../src/start/start.js');
  return start(root, parsed);
}

process.exitCode = await main();
// Whatever an app left open must not keep a stopped `npm start` alive.
setTimeout(() => process.exit(), 2000).unref();
