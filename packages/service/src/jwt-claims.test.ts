import { expect, test } from '@jest/globals';
import { readIdentity } from './jwt-claims.ts';

const claims = { iss: 'https://id.example.com', sub: 'ada', exp: 1 };

test.each(['a\u2028b', 'a\u202eb', '\u200b', '', 'x'.repeat(256), '🚀'.repeat(128)])(
  '%j is no subject',
  (sub) => {
    expect(readIdentity({ ...claims, sub })).toBeNull();
  },
);

test.each(['ada', 'x'.repeat(255)])('%j is a subject', (sub) => {
  expect(readIdentity({ ...claims, sub })?.subject).toBe(sub);
});
