import { createLogger, manualClock } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { createHeadReport } from './report-head.ts';

test('the end of the audit log is logged at once, and then once a minute', () => {
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } });
  const clock = manualClock();
  const report = createHeadReport(logger, clock);
  const hash = new Uint8Array(32).fill(10);
  report({ sequence: 1, hash });
  clock.advance(59_999);
  report({ sequence: 2, hash });
  clock.advance(1);
  report({ sequence: 3, hash });
  report({ sequence: 4, hash });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { sequence: 1, hash: '0a'.repeat(32) },
    { sequence: 3 },
  ]);
});
