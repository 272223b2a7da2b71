const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

/** Reads `Authorization: Bearer <token>`: null without that header, `malformed` where it holds something else. */
export function readBearerToken(
  headers: Headers,
  maxLength: number = 1024,
): { readonly token: string } | 'malformed' | null {
  const header = headers.get('authorization');
  if (header === null) return null;
  const token = BEARER.exec(header)?.[1];
  return token === undefined || token.length > maxLength ? 'malformed' : { token };
}
