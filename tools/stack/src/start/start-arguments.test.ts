import { expect, test } from '@jest/globals';
import { parseStartArguments } from './start-arguments.ts';
import { stateTable } from './state-table.ts';
import { meaningOfSignal } from './stop-requests.ts';

test.each([
  [[], { kind: 'start', withApps: true, withDemo: true, isFresh: false }],
  [['--no-demo'], { kind: 'start', withApps: true, withDemo: false, isFresh: false }],
  [['--fresh'], { kind: 'start', withApps: true, withDemo: true, isFresh: true }],
  [['stack', '--fresh'], { kind: 'start', withApps: false, withDemo: false, isFresh: true }],
  [['--help'], { kind: 'help' }],
  [['--port'], { kind: 'wrong', argument: '--port' }],
  [['apps'], { kind: 'wrong', argument: 'apps' }],
])('%j is %j', (argv, expected) => {
  expect(parseStartArguments(argv)).toEqual(expected);
});

test.each([
  [undefined, 5000, 'stop'],
  [5000, 5010, 'same'],
  [5000, 6001, 'force'],
])('after a first signal at %s one at %s means %s', (firstAtMs, nowMs, meaning) => {
  expect(meaningOfSignal(firstAtMs, nowMs)).toBe(meaning);
});

test('the table lines its columns up', () => {
  const table = stateTable([
    { name: 'a', what: 'PostgreSQL', url: 'postgres://x', state: 'ready' },
    { name: 'worker', what: undefined, url: undefined, state: 'restarting' },
  ]);
  expect(table.split('\n')).toEqual([
    'what        URL           state',
    'PostgreSQL  postgres://x  ready',
    'worker      -             restarting',
  ]);
});
