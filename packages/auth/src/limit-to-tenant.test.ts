import { createBearerAuth } from '@heliograph/service';
import { expect, test } from '@jest/globals';
import { limitToTenant } from './limit-to-tenant.ts';

const key = (id: string, tenant?: string) => ({
  id,
  secret: `key-of-${id}`,
  scopes: ['*'],
  roles: ['admin'],
  ...(tenant === undefined ? {} : { tenant }),
});
const auth = limitToTenant(
  createBearerAuth([key('own', 'default'), key('other', 'acme'), key('everywhere')]),
  'default',
);
const outcomeOf = (token: string) => auth.authenticate(new Headers({ authorization: `Bearer ${token}` }));

test.each(['own', 'everywhere'])('a caller with the key "%s" keeps what it has', async (id) => {
  await expect(outcomeOf(`key-of-${id}`)).resolves.toMatchObject({
    principal: { id, scopes: new Set(['*']), roles: new Set(['admin']) },
  });
});

test('a caller of another tenant is known, and may do nothing', async () => {
  await expect(outcomeOf('key-of-other')).resolves.toEqual({
    kind: 'authenticated',
    principal: { id: 'other', scopes: new Set(), roles: new Set(), tenant: 'acme' },
  });
});

test('who is not known is not known here either', async () => {
  await expect(outcomeOf('unknown')).resolves.toEqual({
    kind: 'refused',
    reason: 'CREDENTIALS_UNKNOWN',
  });
  await expect(auth.authenticate(new Headers())).resolves.toEqual({ kind: 'absent' });
});
