import { expect, test } from '@jest/globals';
import * as stack from './index.js';

test('the declarations for other packages fit the implementation', () => {
  // The compiler checks the assignment; at run time both are the same module.
  /** @type {typeof import('@heliograph/stack')} */
  const declared = stack;
  expect(Object.keys(declared).toSorted()).toEqual([
    'StackError',
    'buildApps',
    'cacheDirectory',
    'defaultParts',
    'describeProcesses',
    'isPortFree',
    'loadApp',
    'readRunState',
    'startStack',
  ]);
});
