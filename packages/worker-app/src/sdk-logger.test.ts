import { expect, test } from '@jest/globals';
import { createLogger } from '@heliograph/service';
import { createSdkLogger } from './sdk-logger.ts';
import { parseLogLine } from './testing/parse-log-line.ts';

function capture() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line.trimEnd()) };
  const sdk = createSdkLogger(createLogger({ name: 'svc', level: 'trace', destination }));
  return { sdk, parsed: () => lines.map(parseLogLine) };
}

const META = { level: 'x', time: 'x', message: 'x', service: 'x', component: 'x', pid: 0, taskQueue: 'q' };

test.each(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const)(
  'a line of the SDK at %s has one level, one time and one message, ours',
  (level) => {
    const { sdk, parsed } = capture();
    const method = level.toLowerCase() as Lowercase<typeof level>;
    sdk[method]('connected', META);
    sdk.log(level, 'connected', META);
    sdk.log(level, 'connected');
    const own = { level: method, message: 'connected', service: 'svc', component: 'temporal' };
    expect(parsed()).toMatchObject([{ ...own, sdk: META }, { ...own, sdk: META }, own]);
    expect(parsed()[2]).not.toHaveProperty('sdk');
  },
);

test.each(['error', 'err'])('an error of the SDK under %s is reduced to what may be logged', (key) => {
  const { sdk, parsed } = capture();
  const error = Object.assign(new Error('no row "hunter2"'), { name: 'PostgresError', code: '22P02' });
  sdk.error('an activity failed', { [key]: error, attempt: 2 });
  expect(parsed()).toMatchObject([{ err: { code: '22P02' }, sdk: { attempt: 2 } }]);
  expect(JSON.stringify(parsed())).not.toContain('hunter2');
});
