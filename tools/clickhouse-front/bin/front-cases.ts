#!/usr/bin/env node
// Runs the cases of the front on a server: front-cases --url http://user:password@host:port [--front]
import { parseArgs } from 'node:util';
import { frontCases } from '../src/cases/front-cases.ts';
import { openCaseRunner } from '../src/run-case.ts';

const USAGE = `usage: front-cases [--url http://user:password@host:port] [--front]

  --url    the server, default CLICKHOUSE_URL; its user must be allowed to create databases
  --front  the server is the front: also run the cases that only the front can pass
`;

/** Gives the exit code. */
async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        url: { type: 'string' },
        front: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    process.stderr.write(`front-cases: ${messageOf(error)}\n`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const url = values.url ?? process.env['CLICKHOUSE_URL'];
  if (url === undefined) {
    process.stderr.write('front-cases: no server given; set --url or CLICKHOUSE_URL\n');
    return 2;
  }
  const runner = await openCaseRunner({ url, isFront: values.front });
  const counts = { passed: 0, skipped: 0, failed: 0 };
  for (const [topic, cases] of Object.entries(frontCases)) {
    for (const frontCase of cases) {
      try {
        counts[await runner.run(frontCase)]++;
      } catch (error) {
        counts.failed++;
        const message = messageOf(error).replaceAll(/^/gm, '  ');
        process.stdout.write(`FAILED ${topic}: ${frontCase.name}\n${message}\n`);
      }
    }
  }
  await runner.close();
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} of the front alone left out`;
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  return counts.failed === 0 ? 0 : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main();
