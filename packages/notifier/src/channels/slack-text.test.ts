import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatSlackLine, formatSlackLines, formatSlackLink, formatSlackTime } from './slack-text.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.constantFrom('&', '<', '>', '\uD83D', '\uDE00', '😀', '\n', '\0', '\t', 'a', '`'), {
      maxLength: 200,
    })
    .map((parts) => parts.join('')),
);
const ESCAPED_TEXT = /^(?:[^&<>\p{Surrogate}]|&(?:amp|lt|gt);)+$/u;

describe('untrusted text', () => {
  test.each([
    ['<!channel> & <@U1>', '&lt;!channel&gt; &amp; &lt;@U1&gt;'],
    ['&amp;', '&amp;amp;'],
    ['a\nb\t\0c\u2028d', 'a b c d'],
    ['  spaces  ', 'spaces'],
    ['', '—'],
    [' \n ', '—'],
    ['ab\u202Edc\u2066', 'abdc'],
    ['half \uD83D of one', 'half \uFFFD of one'],
  ])('%j becomes one safe line: %j', (text, safe) => {
    expect(formatSlackLine(text, 100)).toBe(safe);
  });

  test.each([
    ['one\r\n\r\n\r\n\r\ntwo\rthree', 'one\n\ntwo\nthree'],
    ['a \0\t b\n c', 'a b\nc'],
    ['\n\n', '—'],
  ])('%j becomes safe lines: %j', (text, safe) => {
    expect(formatSlackLines(text, 100)).toBe(safe);
  });

  test.each<[string, number, string]>([
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abcde…'],
    ['ab&', 6, 'ab…'],
    ['a&', 6, 'a&amp;'],
    ['a&b', 6, 'a…'],
    ['😀😀😀', 6, '😀😀😀'],
    ['😀😀😀😀', 6, '😀😀…'],
    ['abcd😀x', 6, 'abcd…'],
    ['abc defg', 5, 'abc…'],
    ['abcdef', 1, '…'],
  ])('%j truncated to %d units is %j', (text, limit, cut) => {
    expect(formatSlackLine(text, limit)).toBe(cut);
  });

  test('never exceeds the limit and never contains markup, a partial escape or a lone surrogate', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, limit) => {
        for (const safe of [formatSlackLine(text, limit), formatSlackLines(text, limit)]) {
          expect(safe.length).toBeLessThanOrEqual(limit);
          expect(safe).toMatch(ESCAPED_TEXT);
        }
        expect(formatSlackLine(text, limit)).not.toMatch(/\p{Control}/u);
      }),
    );
  });
});

describe('a link', () => {
  test.each<[string, string | null]>([
    ['https://example.com/a?b=1&c=2', '<https://example.com/a?b=1&amp;c=2|Open>'],
    ['http://example.com', '<http://example.com/|Open>'],
    ['https://example.com/a|b>c', '<https://example.com/a%7Cb%3Ec|Open>'],
    ['https://example.com/#<!channel>', '<https://example.com/#%3C!channel%3E|Open>'],
    ['javascript:alert(1)', null],
    ['https://me:pass@example.com/', null],
    ['https://example.com/a b', null],
    ['https://example.com/\n', null],
    ['example.com', null],
    [`https://example.com/${'x'.repeat(200)}`, null],
    [`https://example.com/${'&'.repeat(100)}`, null],
  ])('to %j is %j', (address, link) => {
    expect(formatSlackLink(address, 'Open', 200)).toBe(link);
  });

  test('is valid or null for any URL', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const link = formatSlackLink(`https://example.com/${text}`, 'Open', 200);
        expect(link ?? '<x|Open>').toMatch(/^<[^<>|\s]+\|Open>$/);
      }),
    );
  });
});

test.each<[number, string]>([
  [
    Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    `<!date^${Date.UTC(2026, 0, 2, 3, 4, 5) / 1000}^{date_short_pretty} {time_secs}|2026-01-02 03:04:05 UTC>`,
  ],
  [-1000, '1969-12-31 23:59:59 UTC'],
  [Number.NaN, 'at an unknown time'],
  [1e20, 'at an unknown time'],
])('the timestamp %d is formatted as %s', (at, text) => {
  expect(formatSlackTime(at)).toBe(text);
});
