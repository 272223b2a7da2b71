import { expect, test } from '@jest/globals';
import { decideRefresh, type RefreshState } from './decide-refresh.ts';

const fresh: RefreshState = {
  expiresAt: 100,
  usedAt: null,
  familyExpiresAt: 1000,
  familyRevokedAt: null,
  isHolderGone: false,
};

test.each<[string, Partial<RefreshState> | null, number, string]>([
  ['a fresh one', {}, 99, 'rotate'],
  ['one that nobody issued', null, 0, 'unknown'],
  ['one that has expired', {}, 100, 'expired'],
  ['one whose login has expired', { expiresAt: 2000 }, 1000, 'expired'],
  ['one that was used', { usedAt: 50 }, 60, 'reused'],
  ['one that was used, also after its expiry', { usedAt: 50 }, 500, 'reused'],
  ['one of a login that was revoked', { familyRevokedAt: 50 }, 60, 'revoked'],
  ['one whose member or key is gone', { isHolderGone: true }, 60, 'revoked'],
  ['one that was used, and whose member or key is gone', { isHolderGone: true, usedAt: 50 }, 60, 'revoked'],
  ['one that was used, of a login that was revoked', { usedAt: 50, familyRevokedAt: 55 }, 60, 'revoked'],
])('%s: %j at %d is %s', (_, more, now, decision) => {
  expect(decideRefresh(more === null ? null : { ...fresh, ...more }, now)).toBe(decision);
});
