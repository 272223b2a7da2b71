import { expect, test } from '@jest/globals';
import { EXPLAINED_REASONS } from '@heliograph/dispatch-workflows/explain';
import { SITUATIONS } from './situations/index.ts';

test('every reason has a situation, and every situation a reason', () => {
  const shown = new Set(SITUATIONS.map(({ reason }) => reason));
  expect([...shown].toSorted()).toEqual([...EXPLAINED_REASONS].toSorted());
});
