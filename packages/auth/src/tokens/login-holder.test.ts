import { principalIdOf } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { membersNamed } from './login-holder.ts';

test.each([
  { subject: 'ada', issuer: 'https://id.example.com', tenant: 'default' },
  { subject: 'ada@example.com', issuer: 'https://realm@id.example.com', tenant: 'acme' },
  { subject: 'key:a#b', issuer: 'https://id.example.com/#x', tenant: 'a-1' },
])('the member %j is among those that its principal id names', (member) => {
  const id = principalIdOf(member);
  const named = membersNamed(id);
  expect(named).toContainEqual(member);
  expect(named.map(principalIdOf)).toEqual(named.map(() => id));
});

test.each(['', 'key:k1', 'ada@https://id.example.com', '#default'])('%j names no member', (id) => {
  expect(membersNamed(id)).toEqual([]);
});
