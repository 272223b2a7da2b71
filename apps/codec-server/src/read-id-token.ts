import type { Authenticator } from '@heliograph/service';

/**
 * Also reads the token that the Temporal UI sends in Authorization-Extras, its id token, where what is in Authorization
 * identifies nobody. For issuers whose access tokens say nothing: an id token is made for the UI, so its audience is the UI's.
 */
export function readIdToken(auth: Authenticator): Authenticator {
  return {
    scheme: auth.scheme,
    async authenticate(headers) {
      const found = await auth.authenticate(headers);
      const token = headers.get('authorization-extras') ?? '';
      if (found.kind === 'authenticated' || token === '') return found;
      return auth.authenticate(new Headers({ authorization: `Bearer ${token}` }));
    },
  };
}
