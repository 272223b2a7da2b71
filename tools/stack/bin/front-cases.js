#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { frontCases } from '../src/clickhouse-front/cases.js';
import { openCaseRunner } from '../src/clickhouse-front/run-case.js';
import { messageOf } from '../src/errors.js';

const { values } = parseArgs({
  options: { url: { type: 'string' }, front: { type: 'boolean', default: false } },
});
const url = values.url ?? process.env['CLICKHOUSE_URL'];

if (url === undefined) {
  process.stderr.write('usage: front-cases --url http://user:password@host:port [--front]\n');
  process.exitCode = 2;
} else {
  const runner = await openCaseRunner({ url, isFront: values.front });
  const counts = { passed: 0, skipped: 0, failed: 0 };
  for (const [topic, cases] of Object.entries(frontCases)) {
    for (const frontCase of cases) {
      try {
        counts[await runner.run(frontCase)]++;
      } catch (error) {
        counts.failed++;
        process.stdout.write(
          `FAILED ${topic}: ${frontCase.name}\n${messageOf(error).replaceAll(/^/gm, '  ')}\n`,
        );
      }
    }
  }
  await runner.close();
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} of the front alone left out`;
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}
