import { expect, test } from '@jest/globals';
import { INTENT_STATUSES, isInDoubt, isUnderWay, UNDER_WAY_SQL } from './intent-status.ts';

test.each([
  ['intended', true, true],
  ['refused', true, false],
  ['uncertain', true, true],
  ['delivered', false, false],
  ['dropped', false, false],
] as const)('%s: under way %s, in doubt %s', (status, underWay, inDoubt) => {
  expect([isUnderWay(status), isInDoubt(status)]).toEqual([underWay, inDoubt]);
});

test('SQL lists the same statuses', () => {
  const listed = INTENT_STATUSES.filter(isUnderWay).map((status) => `'${status}'`);
  expect(UNDER_WAY_SQL).toBe(`(${listed.join(', ')})`);
});
