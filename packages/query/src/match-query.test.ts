import { describe, expect, test } from '@jest/globals';
import { matchQuery } from './match-query.ts';
import { parseQuery } from './parse-query.ts';

const pod: Record<string, string | readonly string[]> = {
  monitor: 'pod-restarts',
  severity: 'critical',
  namespace: 'payments',
  note: '',
  count: '12',
  tags: ['Web', 'eu', '7'],
  none: [],
};
const lookup = (field: string): string | readonly string[] | undefined => pod[field];

describe('a query against an object', () => {
  test.each([
    ['*', true],
    ['severity:critical', true],
    ['severity:Critical', false],
    ['severity:crit*', true],
    ['severity:*cal', true],
    ['severity:c*t*l', true],
    ['severity:c?itical', true],
    ['severity:"crit*"', false],
    ['severity:critical namespace:billing', false],
    ['severity:critical OR namespace:billing', true],
    ['NOT namespace:billing', true],
    ['team:*', false],
    ['NOT team:*', true],
    ['NOT team:a', true],
    ['note:""', true],
    ['note:*', true],
    ['note:?', false],
    ['severity:critical NOT (namespace:payments OR team:x)', false],
    ['severity:(warning OR critical)', true],
    ['severity:(warning OR info)', false],
    ['NOT team:(a OR b)', true],
    ['count:(1 OR >11)', true],
    ['tags:eu', true],
    ['tags:(us OR eu)', true],
    ['tags:us', false],
    ['NOT tags:us', true],
    ['NOT tags:eu', false],
    ['tags:~web', true],
    ['tags:web', false],
    ['tags:>6', true],
    ['tags:>6 tags:eu', true],
    ['tags:*', true],
    ['none:*', false],
    ['NOT none:*', true],
  ])('%s: %s', (text, expected) => {
    expect(matchQuery(parseQuery(text), lookup)).toBe(expected);
  });
});

describe('case is ignored for A–Z only', () => {
  test.each([
    ['f:~critical', 'CRITICAL', true],
    ['f:~CRITICAL', 'critical', true],
    ['f:~"A b"', 'a B', true],
    ['f:~"a*"', 'AB', false],
    ['f:~a*', 'AB', true],
    ['f:~?B', 'éb', true],
    ['f:~é', 'É', false],
    ['f:~É', 'É', true],
    ['f:~k', '\u212A', false],
    ['f:~a?z*', 'AMZ', true],
    ['f:~[*', '[x', true],
    ['f:~{*', '[x', false],
    ['f:~`*', '@x', false],
    ['f:~i', 'İ', false],
    ['f:~""', '', true],
    ['f:~""', 'a', false],
    ['f:"~a"', '~a', true],
  ])('%s with %j: %s', (text, value, expected) => {
    expect(matchQuery(parseQuery(text), () => value)).toBe(expected);
  });
});

describe('a comparison holds only if the whole value is a number in the range', () => {
  test.each([
    ['f:>5', '5', false],
    ['f:>5', '5.0001', true],
    ['f:>=5', '5.0', true],
    ['f:<5', '-1e3', true],
    ['f:<=5', '5', true],
    ['f:<=5', '+5', true],
    ['f:<=5', '0005', true],
    ['f:>=0', '-0', true],
    ['f:>-1', '', false],
    ['f:>-1', ' 5', false],
    ['f:>-1', '5 ', false],
    ['f:>-1', '5\n', false],
    ['f:>-1', '0x10', false],
    ['f:>-1', 'Infinity', false],
    ['f:>-1', '1e400', false],
    ['f:<1', '1e-400', true],
    ['f:>-1', '.5', false],
    ['f:>-1', '5.', false],
    ['f:>-1', '1_0', false],
    ['f:>-1', '5ms', false],
    ['f:>-1', '٣', false],
    ['f:>-1', '1'.repeat(100), true],
    ['f:>-1', '1'.repeat(101), false],
    ['f:[1 TO 5]', '1', true],
    ['f:[1 TO 5]', '5', true],
    ['f:[1 TO 5]', '0', false],
    ['f:[1 TO 5]', '6', false],
    ['f:{1 TO 5}', '1', false],
    ['f:{1 TO 5}', '5', false],
    ['f:[1 TO 5}', '1', true],
    ['f:[1 TO 5}', '5', false],
    ['f:{1 TO 5]', '5', true],
    ['f:[5 TO 1]', '3', false],
    ['f:[* TO 5]', '-7', true],
    ['f:{1 TO *}', '1', false],
    ['f:[* TO *]', '1', true],
    ['f:[* TO *]', 'one', false],
    ['f:9007199254740993', '9007199254740992', false],
    ['f:[9007199254740993 TO *]', '9007199254740992', true],
    ['f:">5"', '>5', true],
    ['f:">5"', '6', false],
    ['NOT f:>5', 'text', true],
  ])('%s with %j: %s', (text, value, expected) => {
    expect(matchQuery(parseQuery(text), () => value)).toBe(expected);
  });

  test('a comparison never holds for a missing field', () => {
    expect(matchQuery(parseQuery('f:[* TO *]'), () => undefined)).toBe(false);
    expect(matchQuery(parseQuery('NOT f:>5'), () => undefined)).toBe(true);
  });
});
