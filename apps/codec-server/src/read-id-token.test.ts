import { createBearerAuth } from '@heliograph/service';
import { describe, expect, test } from '@jest/globals';
import { readIdToken } from './read-id-token.ts';

const auth = readIdToken(createBearerAuth([{ id: 'ada', secret: 'id-token', scopes: [] }]));
const kindOf = async (headers: Record<string, string>): Promise<string> =>
  (await auth.authenticate(new Headers(headers))).kind;

describe('with id tokens', () => {
  test.each([
    [
      'the id token beside an access token that says nothing',
      { authorization: 'Bearer opaque', 'authorization-extras': 'id-token' },
      'authenticated',
    ],
    ['the id token alone', { 'authorization-extras': 'id-token' }, 'authenticated'],
    [
      'what is in Authorization',
      { authorization: 'Bearer id-token', 'authorization-extras': 'wrong' },
      'authenticated',
    ],
    ['nothing', {}, 'absent'],
    ['an empty id token', { authorization: 'Bearer opaque', 'authorization-extras': '' }, 'refused'],
    ['a wrong id token', { 'authorization-extras': 'wrong' }, 'refused'],
    ['an id token that is no token', { 'authorization-extras': 'a b' }, 'refused'],
  ])('%s', async (_, headers, kind) => {
    expect(await kindOf(headers)).toBe(kind);
  });
});
