import { expect, test } from '@jest/globals';
import { stateTable } from './state-table.ts';

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
